// `up` of a lab that came from another file.
#pragma once

#include <optional>
#include <string>

#include "cli/session.h"

namespace nslab::cli {

// Two files can have one lab's name, as lab1.yaml in two home directories has. The second
// may add to the lab; what it would take away is somebody's.
class TakeOver {
 public:
  TakeOver(const state::LabRecord& record, const LabFile& file, std::string shown);

  // Why the plan should not be carried out unless the user insists; nothing where it may.
  [[nodiscard]] std::optional<Error> refusal(const plan::Plan& plan) const;

  // Another file that the lab came from; nothing where it is this one.
  [[nodiscard]] const std::optional<std::string>& origin() const { return origin_; }

  // On a terminal the user is asked, and told all that they have to know.
  static bool user_agrees(const Error& refusal, Console& console);

 private:
  std::optional<std::string> origin_;  // where the lab came from, when that is not the file
  std::string lab_;
  std::string shown_;
};

}  // namespace nslab::cli
