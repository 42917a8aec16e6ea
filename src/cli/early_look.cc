#include "cli/early_look.h"

#include "base/parallel.h"

namespace nslab::cli {
namespace {

std::optional<Session> lock_at_once(const std::string& lab,
                                    const std::string& purpose,
                                    Console& console) {
  auto session = Session::open(lab, console);
  if (!session || !session->lock(purpose, /*wait=*/false)) {
    return std::nullopt;
  }
  return *std::move(session);
}

}  // namespace

EarlyLook::EarlyLook(const std::string& file, const std::string& purpose, Console& console) {
  const auto lab = file != "-" ? lab_of_file(file) : std::nullopt;
  session_ = lab ? lock_at_once(*lab, purpose, console) : std::nullopt;
  if (session_) {
    thread_ = try_thread([this] {
      if (auto observed = session_->host().observe()) {
        seen_ = *std::move(observed);
      }
    });
  }
}

bool EarlyLook::is_of(const std::string& lab) {
  thread_.reset();
  if (session_ && (!seen_ || session_->lab() != lab)) {
    session_.reset();
  }
  return session_.has_value();
}

}  // namespace nslab::cli
