// `up` of a lab that is up already reads its file and looks at the lab. Neither needs the
// other, so that it does both at once.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "cli/session.h"
#include "resource/state.h"

namespace nslab::cli {

class EarlyLook {
 public:
  // Begins to look at the lab that the file last brought up, where there is one and no
  // other command works on it: that lab stays locked.
  EarlyLook(const std::string& file, const std::string& purpose, Console& console);
  ~EarlyLook() = default;  // waits
  EarlyLook(const EarlyLook&) = delete;
  EarlyLook& operator=(const EarlyLook&) = delete;
  EarlyLook(EarlyLook&&) = delete;
  EarlyLook& operator=(EarlyLook&&) = delete;

  // Waits. Nothing when there was nothing to look at, when it was another lab, or when it
  // could not be seen: the lab is locked no longer then.
  bool is_of(const std::string& lab);

  // Of the lab, when is_of() said so.
  [[nodiscard]] Session& session() { return *session_; }

  [[nodiscard]] resource::ObservedState& seen() { return *seen_; }

 private:
  std::optional<Session> session_;
  std::optional<resource::ObservedState> seen_;
  std::optional<std::jthread> thread_;
};

}  // namespace nslab::cli
