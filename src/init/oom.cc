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
// A program of half the host's memory less would come as soon.
constexpr std::string_view kFirst = "500";

// It is no failure of a node that it cannot.
bool write_score(std::string_view score) {
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), score.data(), score.size()) >= 0;
}

}  // namespace

void come_last() {
  (void)write_score(kLast);
}

void come_as_any_other() {
  (void)write_score(kUsual);
}

void come_before_the_host() {
  (void)write_score(kFirst);
}

BeforeTheHost::BeforeTheHost() {
  come_before_the_host();
}

// Who may not come last again comes as any other.
BeforeTheHost::~BeforeTheHost() {
  if (!write_score(kLast)) {
    come_as_any_other();
  }
}

}  // namespace nslab::init
