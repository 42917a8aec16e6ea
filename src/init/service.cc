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
#include "init/signals.h"

namespace nslab::init {
namespace {

constexpr Millis kFirstPause = 100;
constexpr Millis kLongestPause = 10'000;
// One that ran this long is not in a loop of failures.
constexpr Millis kStable = 10'000;
// What SIGKILL does not end by then has become somebody else's child.
constexpr Millis kLinger = 1000;

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
  restart_at_ = kNever;
  started_ = time;
  if (const Failure failure = start_process(request_.fields(), "argv", streams, pid_)) {
    if (first) {
      end_for_good(false, failure);
    } else {
      back_off(time, failure);
    }
    return;
  }
  group_ = pid_;
  gone_by_ = kNever;
  state_ = State::starting;
  if (first || was_ready_) {
    ready_by_ = time + request_.fields().number("timeout_ms", 30'000);
    timed_out_ = false;
  }
  probe.begin(time);
  advance(time);
}

void Service::advance(Millis time) {
  if (time >= restart_at_) {
    ++restarts_;
    start(time, false);
  }
  if (time >= kill_at_) {
    kill_at_ = kNever;
    signal_group(SIGKILL);
  }
  if (time >= gone_by_) {
    gone_by_ = kNever;
    group_ = 0;
  }
  if (!runs() || stopping_) {
    return;
  }
  if (state_ != State::ready && probe.advance(time)) {
    state_ = State::ready;
    was_ready_ = true;
    ready_by_ = kNever;
  } else if (time >= ready_by_) {
    ready_by_ = kNever;
    timed_out_ = true;
    state_ = State::running;
    what_ = {};
    what_ << "was not ready within " << request_.fields().number("timeout_ms") << " ms";
    error_ = ETIMEDOUT;
  }
}

Millis Service::next_due() const {
  const Millis own = sooner(restart_at_, sooner(kill_at_, sooner(ready_by_, gone_by_)));
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
  if (runs()) {
    signal_group(signal_number(request_.fields().get("stop_signal", "TERM")));
    kill_at_ = time + request_.fields().number("stop_timeout_ms", 5000);
  }
}

bool Service::gone() const {
  return stopping_ && !runs() && (group_ == 0 || ::kill(-group_, 0) != 0);
}

bool Service::ended(pid_t pid, int status, Millis time) {
  if (probe.ended(pid, status)) {
    return true;
  }
  if (pid != pid_) {
    return false;
  }
  signal_group(SIGKILL);  // what it leaves behind would be in its successor's way
  pid_ = 0;
  status_ = status;
  has_ended_ = true;
  kill_at_ = kNever;
  gone_by_ = time + kLinger;
  probe.cancel();
  log.copy();
  if (time - started_ >= kStable) {
    pause_ = kFirstPause;
  }
  Text<64> text;
  if (!stopping_ && restarts_after(status)) {
    back_off(time, ending(text));
  } else {
    end_for_good(is_success(status), ending(text));
  }
  return true;
}

Failure Service::ending(Text<64>& text) const {
  if (WIFEXITED(status_)) {
    text << "exited with status " << WEXITSTATUS(status_);
  } else {
    text << "was killed by signal " << WTERMSIG(status_);
  }
  return {.what = text.view(), .on = was_ready_ ? "" : "before it was ready"};
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
  pause_ = std::min(pause_ * 2, kLongestPause);
}

void Service::end_for_good(bool success, const Failure& why) {
  state_ = success ? State::exited : State::failed;
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

Service::Verdict Service::verdict() const {
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
  constexpr std::array kNames{kStarting, kReady, kRunning, kBackoff, kExited, kFailed};
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
  if (state_ == State::failed || state_ == State::running) {
    writer.add("what", what_.view()).add("errno", error_);
  }
  writer.add("started_ms", time - started_);
}

}  // namespace nslab::init
