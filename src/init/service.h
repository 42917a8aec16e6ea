// A service: a process that is started, watched, started again and stopped, with all that
// comes of it.
//
// One that ends with 0 and leaves processes of its own behind has put itself into the
// background: it goes on, in them, until the last has ended. One that ends otherwise takes
// what it leaves with it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>

#include "base/fd.h"
#include "init/clock.h"
#include "init/failure.h"
#include "init/log.h"
#include "init/members.h"
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

  // Whether it has stopped, with all of its processes.
  [[nodiscard]] bool gone() const;

  enum class Verdict {
    pending,
    ready,   // it is, or was once
    failed,  // it ended for good before, or was not ready in time
  };
  [[nodiscard]] Verdict verdict() const;

  // The same of whether it stands: runs for a while, or is ready, now; or is done. One that
  // ends again and again as soon as it is started fails.
  [[nodiscard]] Verdict standing() const;

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

  // To be called when another process has ended that this init is the parent of: it may
  // have been the last one of a service in the background.
  void look_again(Millis time);

  // Whether a process is one of its own.
  [[nodiscard]] bool owns(pid_t pid) const { return members_.has(pid); }

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
    done,
  };

  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] bool restarts_after(int status) const;

  [[nodiscard]] bool runs() const { return pid_ > 0; }

  [[nodiscard]] bool is_job() const { return request_.fields().number("once") != 0; }

  [[nodiscard]] bool has_probe() const {
    return request_.fields().get("ready", "started") != "started";
  }

  void start(Millis time, bool first);
  bool goes_on_in_background(Millis time);
  void conclude(Millis time);
  void give_up();
  void end_rest(Millis time);
  void back_off(Millis time, const Failure& why);
  void end_for_good(bool success, const Failure& why);
  [[nodiscard]] Failure ending(Text<64>& text) const;
  void signal_group(int signal) const;
  void signal_all(int signal) const;

  Packet request_;

 public:
  Log log;
  short log_result = 0;
  Probe probe;

 private:
  State state_ = State::starting;
  pid_t pid_ = 0;
  pid_t group_ = 0;  // of the last process; may outlive it
  Members members_;  // likewise
  UniqueFd space_;   // theirs: held, so that no other service's has its number
  bool in_background_ = false;
  bool stands_ = false;    // has run for long enough since it was started
  bool has_rest_ = false;  // what it left has been killed, and may not be gone
  int quick_ends_ = 0;     // one after the other
  int status_ = 0;         // how that one ended, once any has
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
  Millis stands_at_ = kNever;
  Millis rest_at_ = kNever;  // when to look whether it is gone
  Millis gone_by_ = kNever;  // not to wait for what nobody can end
  Text<400> what_;
  int error_ = 0;
};

}  // namespace nslab::init
