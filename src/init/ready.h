// Telling when a service is ready, by asking again and again from inside its node.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <string_view>

#include "base/fd.h"
#include "init/clock.h"
#include "init/listeners.h"
#include "init/members.h"
#include "init/protocol.h"
#include "init/text.h"

namespace nslab::init {

class Probe {
 public:
  // Of a service's start packet, which must outlive it.
  explicit Probe(const Reader& fields) : fields_(fields) {}

  // Begins anew, for these processes; with `started`, the answer is there at once.
  void begin(Millis time, const Members& members);

  // Goes on as far as it can without waiting. True once the service is ready.
  bool advance(Millis time);

  // Stops asking.
  void cancel();

  // Whether the process was the one that asks; if so, takes its status.
  bool ended(pid_t pid, int status);

  // Why the last answer was no. Empty before the first one.
  [[nodiscard]] std::string_view reason() const {
    return !reason_.view().empty() ? reason_.view() : pending();
  }

  // Who listens on the port instead of the service: then that is the reason. 0: nobody.
  [[nodiscard]] pid_t rival() const { return rival_; }

  // What advance() waits for: `result` of the descriptor, or this time.
  [[nodiscard]] int fd() const { return fd_.get(); }

  [[nodiscard]] short events() const;

  [[nodiscard]] Millis next() const { return next_; }

  short result = 0;

 private:
  enum class Step {
    idle,     // until next_, when it asks
    connect,  // the socket becomes writable, or fails
    reply,    // the first bytes of an HTTP response come
    process,  // a command ends
    done,
  };

  // What it waits for, when it has not been told anything yet.
  [[nodiscard]] std::string_view pending() const;
  void ask(Millis time);
  void ask_by_command(Millis time);
  void take_output();
  [[nodiscard]] bool find_listener(sockaddr_storage& address);
  void connect(const sockaddr_storage& address, Millis time);
  void connected(Millis time);
  void read_reply(Millis time);
  void answer(bool ready, Millis time);
  void refuse(Millis time, std::string_view why, int error = 0);

  const Reader& fields_;
  Step step_ = Step::done;
  Millis next_ = kNever;
  UniqueFd fd_;  // a connection, or what the command prints
  std::array<char, 12> reply_{};
  std::size_t reply_size_ = 0;
  pid_t process_ = 0;
  Members members_;
  Text<240> reason_;
  Text<160> output_;  // of the command: its beginning
  pid_t rival_ = 0;
};

}  // namespace nslab::init
