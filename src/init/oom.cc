#include "init/oom.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "base/fd.h"

namespace nslab::init {
namespace {

// Not -1000, "never": a limit that only the init is below has to end something.
constexpr std::string_view kLast = "-999";
constexpr std::string_view kUsual = "0";

// It is no failure of a node that it cannot.
void write_score(std::string_view score) {
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (file.valid()) {
    (void)!::write(file.get(), score.data(), score.size());
  }
}

}  // namespace

void come_last() {
  write_score(kLast);
}

void come_as_any_other() {
  write_score(kUsual);
}

AsAnyOther::AsAnyOther() {
  come_as_any_other();
}

// Refused to an init that did not come last before.
AsAnyOther::~AsAnyOther() {
  come_last();
}

}  // namespace nslab::init
