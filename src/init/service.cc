#include "init/service.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "init/process.h"
#include "init/processes.h"
#include "init/signals.h"

namespace nslab::init {
namespace {

constexpr Millis kFirstPause = 100;
constexpr Millis kLongestPause = 10'000;
// One that ran this long is not in a loop of failures.
constexpr Millis kStable = 10'000;
// What fails when it starts does so sooner, as a rule.
constexpr Millis kStands = 250;
// So often in turn, and it is not just waiting for another: some 3 s of pauses.
constexpr int kMostQuickEnds = 6;
// What SIGKILL does not end by then hangs in the kernel, or is somebody else's child.
constexpr Millis kLinger = 1000;
constexpr Millis kLook = 10;

bool is_success(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Service::Service(Packet request, UniqueFd log_file)
    : request_(std::move(request)),
      log(std::move(log_file)),
      probe(request_.fields()),
      pause_(kFirstPause) {}

void Service::start(Millis time, bool first) {
  const int out = log.input();
  const Streams streams{.in = STDIN_FILENO, .out = out, .err = out};
  signal_all(SIGKILL);  // what the last one left would be in its way
  restart_at_ = kNever;
  rest_at_ = kNever;
  gone_by_ = kNever;
  has_rest_ = false;
  in_background_ = false;
  stands_ = false;
  started_ = time;
  Process process;
  if (const Failure failure =
          start_process(request_.fields(), "argv", streams, process, Space::own)) {
    if (first) {
      end_for_good(false, failure);
    } else {
      ++quick_ends_;
      back_off(time, failure);
    }
    return;
  }
  pid_ = process.pid;
  group_ = pid_;
  members_ = Members(pid_, tag_of(process.space));
  space_ = std::move(process.space);
  stands_at_ = time + kStands;
  state_ = State::starting;
  if (is_job()) {
    return;
  }
  if (first || was_ready_) {
    ready_by_ = time + request_.fields().number("timeout_ms", 30'000);
    timed_out_ = false;
  }
  probe.begin(time, members_);
  advance(time);
}

void Service::advance(Millis time) {
  if (time >= restart_at_) {
    ++restarts_;
    start(time, false);
  }
  if (time >= kill_at_) {
    kill_at_ = kNever;
    signal_all(SIGKILL);
  }
  if (time >= rest_at_) {
    end_rest(time);
  }
  if (time >= stands_at_) {
    stands_at_ = kNever;
    stands_ = runs();
    quick_ends_ = stands_ ? 0 : quick_ends_;
  }
  if (stopping_ || is_job()) {
    return;
  }
  if (runs() && state_ != State::ready && probe.advance(time)) {
    state_ = State::ready;
    was_ready_ = true;
    ready_by_ = kNever;
  } else if (time >= ready_by_) {
    ready_by_ = kNever;
    give_up();
  }
}

void Service::give_up() {
  Text<400> why;
  why << (runs() ? probe.reason() : what_.view());
  timed_out_ = true;
  state_ = runs() ? State::running : state_;
  what_ = {};
  what_ << "was not ready within " << request_.fields().number("timeout_ms") << " ms";
  what_ << (why.view().empty() ? "" : ": ") << why.view();
  error_ = why.view().empty() ? ETIMEDOUT : 0;
}

Millis Service::next_due() const {
  const Millis later = sooner(rest_at_, stands_at_);
  const Millis own = sooner(restart_at_, sooner(kill_at_, sooner(ready_by_, later)));
  return runs() && !stopping_ ? sooner(own, probe.next()) : own;
}

void Service::stop(Millis time) {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  restart_at_ = kNever;
  ready_by_ = kNever;
  probe.cancel();
  if (!runs()) {
    signal_all(SIGKILL);  // of a job, what it left running
    has_rest_ = group_ != 0;
    rest_at_ = time;
    gone_by_ = time + kLinger;
  } else {
    const int number = signal_number(request_.fields().get("stop_signal", "TERM"));
    if (in_background_) {
      members_.signal(number);  // none of them is known to be the first
    } else {
      signal_group(number);
    }
    kill_at_ = time + request_.fields().number("stop_timeout_ms", 5000);
  }
}

bool Service::gone() const {
  return stopping_ && !runs() && !has_rest_;
}

bool Service::ended(pid_t pid, int status, Millis time) {
  if (probe.ended(pid, status)) {
    return true;
  }
  if (pid != pid_) {
    return false;
  }
  // In the background the first that fails says how the service ended.
  if (!in_background_ || is_success(status_)) {
    status_ = status;
  }
  has_ended_ = true;
  conclude(time);
  return true;
}

void Service::look_again(Millis time) {
  if (runs() && in_background_ && !info_of(pid_).lives()) {
    conclude(time);
  }
}

// The process that stands for the service is gone.
void Service::conclude(Millis time) {
  log.copy();
  if (goes_on_in_background(time)) {
    return;
  }
  const bool leaves_its_work = is_job() && is_success(status_) && !stopping_;
  pid_ = 0;
  kill_at_ = kNever;
  stands_at_ = kNever;
  stands_ = false;
  probe.cancel();
  if (!leaves_its_work) {
    signal_all(SIGKILL);  // what it leaves behind would be in its successor's way
    has_rest_ = true;
    rest_at_ = time;
    gone_by_ = time + kLinger;
  }
  if (time - started_ >= kStable) {
    pause_ = kFirstPause;
  }
  quick_ends_ += time - started_ < kStands ? 1 : 0;
  Text<64> text;
  if (!stopping_ && restarts_after(status_)) {
    back_off(time, ending(text));
  } else {
    end_for_good(is_success(status_), ending(text));
  }
}

// Whether another process stands for it now.
bool Service::goes_on_in_background(Millis time) {
  if (is_job() || (!in_background_ && (!is_success(status_) || stopping_))) {
    return false;
  }
  pid_t other = members_.any();
  if (other == 0) {
    return false;
  }
  if (!in_background_) {
    in_background_ = true;
    Text<80> line;
    line << "-- is in the background now, as process " << other << "\n";
    log.note(line.view());
    stands_at_ = time + kStands;
    stands_ = false;
  }
  pid_ = other;
  return true;
}

// Until nothing of it is left, or it has been tried for long enough.
void Service::end_rest(Millis time) {
  const bool left = (group_ > 0 && ::kill(-group_, 0) == 0) || members_.any() != 0;
  if (left && time < gone_by_) {
    signal_all(SIGKILL);
    rest_at_ = time + kLook;
    return;
  }
  has_rest_ = false;
  rest_at_ = kNever;
  gone_by_ = kNever;
  group_ = 0;
  members_ = {};
  space_.reset();
}

Failure Service::ending(Text<64>& text) const {
  if (WIFEXITED(status_)) {
    text << "exited with status " << WEXITSTATUS(status_);
  } else {
    text << "was killed by signal " << WTERMSIG(status_);
  }
  return {.what = text.view(), .on = was_ready_ || is_job() ? "" : "before it was ready"};
}

bool Service::restarts_after(int status) const {
  const std::string_view policy = request_.fields().get("restart", "never");
  return policy == "always" || (policy == "on-failure" && !is_success(status));
}

void Service::back_off(Millis time, const Failure& why) {
  state_ = State::backoff;
  restart_at_ = time + pause_;
  Text<256> line;
  line << "-- " << why.what << (why.on.empty() ? "" : " ") << why.on << "; starts again in "
       << pause_ << " ms\n";
  log.note(line.view());
  what_ = {};
  what_ << why.what << (why.on.empty() ? "" : " ") << why.on << ", again and again";
  error_ = why.error;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

void Service::end_for_good(bool success, const Failure& why) {
  state_ = !success ? State::failed : is_job() ? State::done : State::exited;
  ready_by_ = kNever;
  what_ = {};
  what_ << why.what << (why.on.empty() ? "" : " ") << why.on;
  error_ = why.error;
}

void Service::signal_group(int signal) const {
  if (group_ > 0) {
    (void)::kill(-group_, signal);
  }
}

void Service::signal_all(int signal) const {
  signal_group(signal);
  members_.signal(signal);
}

Service::Verdict Service::standing() const {
  if (is_job() || verdict() == Verdict::failed) {
    return verdict();
  }
  if (state_ == State::exited || state_ == State::failed || timed_out_ ||
      (!runs() && quick_ends_ >= kMostQuickEnds)) {
    return Verdict::failed;
  }
  const bool well = has_probe() ? state_ == State::ready : stands_;
  return runs() && well ? Verdict::ready : Verdict::pending;
}

Service::Verdict Service::verdict() const {
  if (state_ == State::done) {
    return Verdict::ready;
  }
  if (was_ready_) {
    return Verdict::ready;
  }
  const bool over = state_ == State::exited || state_ == State::failed;
  return over || timed_out_ || stopping_ ? Verdict::failed : Verdict::pending;
}

std::string_view Service::state_name() const {
  if (stopping_) {
    return kStopping;
  }
  constexpr std::array kNames{kStarting, kReady, kRunning, kBackoff, kExited, kFailed, kDone};
  return kNames[static_cast<std::size_t>(state_)];
}

void Service::describe(Writer& writer, Millis time) const {
  writer.add("name", name())
      .add("spec", request_.get("spec"))
      .add("state", state_name())
      .add("pid", pid_)
      .add("restarts", restarts_);
  if (has_ended_ && WIFEXITED(status_)) {
    writer.add("code", WEXITSTATUS(status_));
  } else if (has_ended_) {
    writer.add("signal", WTERMSIG(status_));
  }
  if (state_ == State::failed || state_ == State::running || state_ == State::exited) {
    writer.add("what", what_.view()).add("errno", error_);
  }
  writer.add("started_ms", time - started_);
}

}  // namespace nslab::init
