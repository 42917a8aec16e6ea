#include "topology/new/sheet.h"

#include <bit>

#include "base/text.h"

namespace nslab::topology {

void Sheet::note(std::string_view line) {
  notes += line.empty() ? "#\n" : "# " + std::string(line) + "\n";
}

void Sheet::subnet(const std::string& name, const std::string& value) {
  subnets += "  " + name + ": " + value + "\n";
}

void Sheet::node(const std::string& name, const std::string& value) {
  nodes += "  " + name + (value.empty() ? ":\n" : ": {" + value + "}\n");
}

void Sheet::link(const std::string& a, const std::string& b, const std::string& network) {
  links += "  - {ends: \"" + a + " -- " + b + "\", subnet: " + network + "}\n";
}

Result<void> Space::hold(std::uint64_t count, const std::string& what) const {
  const unsigned bits = 32U - base_.length;
  const unsigned needed = bits_for(count);
  if (needed <= bits) {
    return {};
  }
  const IpPrefix wider{base_.address, static_cast<std::uint8_t>(needed > 32 ? 0 : 32 - needed)};
  return too_large(what + " needs " + std::to_string(count) + " addresses, and " +
                       to_string(base_) + " has " + std::to_string(std::uint64_t{1} << bits),
                   needed > 24 ? "" : "such as --subnet " + to_string(wider.network()));
}

std::string Space::address(std::uint64_t offset) const {
  return to_string(base_.address.plus(offset).value_or(base_.address));
}

std::string Space::network(std::uint64_t offset, unsigned bits) const {
  return address(offset) + "/" + std::to_string(32U - bits);
}

std::string numbered(std::string_view word, std::uint64_t number) {
  return std::string(word) + std::to_string(number);
}

unsigned bits_for(std::uint64_t count) {
  return count < 2 ? 0 : static_cast<unsigned>(std::bit_width(count - 1));
}

std::string route(const std::string& to, const std::string& via, std::uint32_t metric) {
  return "{to: " + to + ", via: " + via +
         (metric == 0 ? "}" : ", metric: " + std::to_string(metric) + "}");
}

Error too_large(const std::string& message, const std::string& hint) {
  return {.kind = ErrorKind::usage, .message = message, .hint = hint};
}

}  // namespace nslab::topology
