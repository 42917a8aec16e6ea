#include "init/title.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace nslab::init {
namespace {

char* area = nullptr;
std::size_t area_size = 0;

constexpr std::string_view kPrefix = "nslab-init ";

}  // namespace

void keep_title_area(char* begin, const char* end) {
  area = begin;
  area_size = static_cast<std::size_t>(end - begin);
}

void set_title(std::string_view node) {
  if (area_size < kPrefix.size()) {
    return;
  }
  std::memset(area, 0, area_size);
  kPrefix.copy(area, kPrefix.size());
  node.copy(area + kPrefix.size(), area_size - kPrefix.size());
}

}  // namespace nslab::init
