// The node's log of what programs tell syslog(3): they send it to /dev/log.
#pragma once

#include "base/fd.h"
#include "init/log.h"

namespace nslab::init {

class Syslog {
 public:
  // Listens on /dev/log, which it makes: where it cannot, nobody does, and who wants to
  // log finds that out.
  explicit Syslog(UniqueFd file);

  // Readable when there is something to copy; -1 when nobody listens.
  [[nodiscard]] int fd() const { return socket_.get(); }

  // Copies what there is, a line a message: "Nov 28 05:00:00 tag[7]: text".
  void copy();

  short result = 0;

 private:
  UniqueFd socket_;
  Log log_;
};

}  // namespace nslab::init
