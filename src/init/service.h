// A service: a process that is started, watched, started again and stopped.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>

#include "base/fd.h"
#include "init/clock.h"
#include "init/failure.h"
#include "init/log.h"
#include "init/packet.h"
#include "init/ready.h"
#include "init/text.h"

namespace nslab::init {

class Service {
 public:
  // Of a `start` packet, which it keeps: it is its own description.
  Service(Packet request, UniqueFd log);

  ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  Service(Service&&) = delete;
  Service& operator=(Service&&) = delete;

  [[nodiscard]] std::string_view name() const { return request_.get("name"); }

  void begin(Millis time) { start(time, true); }

  // Asks it to stop; it never starts again.
  void stop(Millis time);

  // Whether it has stopped, with all of its process group.
  [[nodiscard]] bool gone() const;

  enum class Verdict {
    pending,
    ready,   // it is, or was once
    failed,  // it ended for good before, or was not ready in time
  };
  [[nodiscard]] Verdict verdict() const;

  // The failure, as the end of a sentence that begins with the service.
  [[nodiscard]] std::string_view what() const { return what_.view(); }

  [[nodiscard]] int error() const { return error_; }

  // Does what is due; to be called at next_due() and when `probe` or `log` have
  // something.
  void advance(Millis time);
  [[nodiscard]] Millis next_due() const;

  // Whether the process was of this service. It has ended and can still be waited
  // for: its group is then sure to be its own.
  bool ended(pid_t pid, int status, Millis time);

  // Adds the fields of a `service` packet.
  void describe(Writer& writer, Millis time) const;

  std::unique_ptr<Service> next;

 private:
  enum class State {
    starting,
    ready,
    running,
    backoff,
    exited,
    failed,
  };

  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] bool restarts_after(int status) const;

  [[nodiscard]] bool runs() const { return pid_ > 0; }

  void start(Millis time, bool first);
  void back_off(Millis time, const Failure& why);
  void end_for_good(bool success, const Failure& why);
  [[nodiscard]] Failure ending(Text<64>& text) const;
  void signal_group(int signal) const;

  Packet request_;

 public:
  Log log;
  short log_result = 0;
  Probe probe;

 private:
  State state_ = State::starting;
  pid_t pid_ = 0;
  pid_t group_ = 0;  // of the last process; may outlive it
  int status_ = 0;   // how that one ended, once any has
  bool has_ended_ = false;
  bool stopping_ = false;
  bool was_ready_ = false;
  bool timed_out_ = false;
  int restarts_ = 0;
  Millis started_ = 0;
  Millis pause_;  // before the next restart
  Millis restart_at_ = kNever;
  Millis ready_by_ = kNever;
  Millis kill_at_ = kNever;
  Millis gone_by_ = kNever;  // not to wait for what its group left to others
  Text<160> what_;
  int error_ = 0;
};

}  // namespace nslab::init
