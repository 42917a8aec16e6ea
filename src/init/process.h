// Starting a program in the node.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>

#include "base/fd.h"
#include "init/failure.h"
#include "init/protocol.h"

namespace nslab::init {

// The values of a key as a null-terminated array, such as execve(2) takes. They
// stay where they are: in the packet.
class Words {
 public:
  Words(const Reader& fields, std::string_view key)
      : words_(new char*[fields.count(key) + 1 + kDefaults]) {
    for (const Field field : fields) {
      if (field.key == key) {
        add(field.value.data());
      }
    }
    words_[size_] = nullptr;
  }

  // A variable, unless it is among them. For as many as kDefaults.
  void add_default(const char* variable);

  [[nodiscard]] bool empty() const { return size_ == 0; }

  [[nodiscard]] char* const* get() const { return words_.get(); }

  // The value of the variable of that name; empty without one.
  [[nodiscard]] std::string_view variable(std::string_view name) const;

 private:
  static constexpr std::size_t kDefaults = 5;

  void add(const char* word) { words_[size_++] = const_cast<char*>(word); }

  std::unique_ptr<char*[]> words_;
  std::size_t size_ = 0;
};

struct Streams {
  int in;
  int out;
  int err;
};

struct Process {
  pid_t pid = 0;
  // Its cgroup namespace, where it has one of its own: see members.h.
  UniqueFd space;
};

enum class Space {
  shared,
  own,  // a cgroup namespace, where there can be one
};

// Executes the words of `words_key`, with env=, dir= and user= of the same packet, in a
// session of its own. Returns when the program runs, or cannot: the failure then
// reads "cannot be started: ...".
Failure start_process(const Reader& fields,
                      std::string_view words_key,
                      const Streams& streams,
                      Process& process,
                      Space space = Space::shared);

}  // namespace nslab::init
