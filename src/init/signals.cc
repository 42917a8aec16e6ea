#include "init/signals.h"

#include <charconv>
#include <csignal>
#include <cstring>

namespace nslab::init {

int signal_number(std::string_view name) {
  int number = 0;
  const char* end = name.data() + name.size();
  if (std::from_chars(name.data(), end, number).ptr == end && number > 0 && number < NSIG) {
    return number;
  }
  if (name.starts_with("SIG")) {
    name.remove_prefix(3);
  }
  for (number = 1; number < NSIG; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) {
      return number;
    }
  }
  return SIGTERM;
}

}  // namespace nslab::init
