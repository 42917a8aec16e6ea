#include "cli/take_over.h"

#include <utility>

#include "base/text.h"
#include "cli/source.h"
#include "report/plan.h"

namespace nslab::cli {

TakeOver::TakeOver(const state::LabRecord& record, const LabFile& file, std::string shown)
    : lab_(file.desired.lab), shown_(std::move(shown)) {
  const state::LabSource* before = record.source();
  if (before != nullptr && !is_same_file(*before, file.source)) {
    origin_ = before->file == "-" ? "standard input" : before->file;
  }
}

std::optional<Error> TakeOver::refusal(const plan::Plan& plan) const {
  const std::string losses = origin_ ? report::plan_losses(plan) : "";
  if (losses.empty()) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "lab " + quote(lab_) + " was brought up from " + *origin_ +
                          ", and this file would " + losses,
               .hint = "'nslab up --name NAME " + shown_ +
                       "' brings it up beside it, as another lab; --take-over makes this file "
                       "the lab's"};
}

bool TakeOver::user_agrees(const Error& refusal, Console& console) {
  return console.can_ask() && console.ask(refusal.message + ".\nTake it over?");
}

}  // namespace nslab::cli
