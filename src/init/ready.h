// Telling when a service is ready, by asking again and again from inside its node.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <string_view>

#include "base/fd.h"
#include "init/clock.h"
#include "init/protocol.h"

namespace nslab::init {

class Probe {
 public:
  // Of a service's start packet, which must outlive it.
  explicit Probe(const Reader& fields) : fields_(fields) {}

  // Begins anew; with `started`, the answer is there at once.
  void begin(Millis time);

  // Goes on as far as it can without waiting. True once the service is ready.
  bool advance(Millis time);

  // Stops asking.
  void cancel();

  // Whether the process was the one that asks; if so, takes its status.
  bool ended(pid_t pid, int status);

  // What advance() waits for: `result` of the descriptor, or this time.
  [[nodiscard]] int fd() const { return socket_.get(); }

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

  void ask(Millis time);
  void ask_by_command(Millis time);
  void ask_next_address(Millis time);
  void connected(Millis time);
  void read_reply(Millis time);
  void answer(bool ready, Millis time);

  const Reader& fields_;
  Step step_ = Step::done;
  Millis next_ = kNever;
  UniqueFd socket_;
  unsigned address_ = 0;  // the index of the one that is asked next
  std::array<char, 12> reply_{};
  std::size_t reply_size_ = 0;
  pid_t process_ = 0;
};

}  // namespace nslab::init
