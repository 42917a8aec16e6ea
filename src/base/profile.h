// Where the time of a command goes, phase by phase.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace nslab {

struct Phase {
  std::string name;
  std::chrono::microseconds wall{};
  // CPU time of this process in user space and in the kernel, all threads together:
  // more than `wall` where they work side by side. What helper processes use is not
  // in it.
  std::chrono::microseconds user{};
  std::chrono::microseconds system{};
};

class Profile {
 public:
  // Adds what its life took to the phase of that name.
  class [[nodiscard]] Timer {
   public:
    Timer(Profile& profile, std::string name);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    Profile& profile_;
    Phase start_;
  };

  // In the order of their first beginning.
  [[nodiscard]] const std::vector<Phase>& phases() const { return phases_; }

 private:
  std::vector<Phase> phases_;
};

}  // namespace nslab
