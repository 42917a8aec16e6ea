// Names and words of a lab file.
#include <array>

#include "base/text.h"
#include "topology/scalar.h"
#include "topology/scalar_parts.h"

namespace nslab::topology {

std::optional<std::string> LabName::parse(std::string_view text) {
  const bool small =
      std::ranges::none_of(text, [](char each) { return each >= 'A' && each <= 'Z'; });
  return is_word(text, "-") && small && text.size() <= 63 ? std::optional(std::string(text))
                                                          : std::nullopt;
}

std::string LabName::hint(std::string_view text) {
  std::string name;
  for (const char each : text) {
    const bool capital = each >= 'A' && each <= 'Z';
    name += capital                             ? static_cast<char>(each | 0x20)
            : is_letter(each) || is_digit(each) ? each
                                                : '-';
  }
  return LabName::parse(name) ? "such as " + name : "";
}

Shape LabName::shape() {
  return text_shape("a name of at most 63 small letters, digits and '-', a letter first",
                    "[a-z][a-z0-9-]{0,62}");
}

std::optional<std::string> Name::parse(std::string_view text) {
  return is_word(text, "-_") && text.size() <= 63 ? std::optional(std::string(text)) : std::nullopt;
}

Shape Name::shape() {
  return text_shape("a name of at most 63 letters, digits, '-' and '_', a letter first",
                    "[A-Za-z][A-Za-z0-9_-]{0,62}");
}

namespace {

// Names that the kernel gives a meaning of its own, among interfaces or sysctls.
bool is_taken_interface(std::string_view text) {
  return text == "lo" || text == "all" || text == "default";
}

}  // namespace

std::optional<std::string> InterfaceName::parse(std::string_view text) {
  constexpr std::size_t kMaxLength = 15;  // IFNAMSIZ less its NUL
  const bool good = is_word(text, "-_.") && text.size() <= kMaxLength && !is_taken_interface(text);
  return good ? std::optional(std::string(text)) : std::nullopt;
}

std::string InterfaceName::hint(std::string_view text) {
  if (is_taken_interface(text)) {
    return "the kernel has a meaning of its own for this name";
  }
  return is_word(text, "-_.") ? "it has " + plural(text.size(), "character") : "";
}

Shape InterfaceName::shape() {
  return text_shape("a name of at most 15 letters, digits, '-', '_' and '.', a letter first",
                    "(?!(lo|all|default)$)[A-Za-z][A-Za-z0-9_.-]{0,14}");
}

std::optional<std::string> HostName::parse(std::string_view text) {
  const auto good_part = [](std::string_view part) {
    return !part.empty() && part.size() <= 63 && part.front() != '-' && part.back() != '-' &&
           std::ranges::all_of(
               part, [](char each) { return is_letter(each) || is_digit(each) || each == '-'; });
  };
  const bool good = text.size() <= 64 && std::ranges::all_of(split(text, '.'), good_part);
  return good ? std::optional(std::string(text)) : std::nullopt;
}

std::string HostName::hint(std::string_view text) {
  if (text.size() > 64) {
    return "it has " + plural(text.size(), "character");
  }
  return text.find('_') != text.npos ? "a host name has no '_'; a node's name may have" : "";
}

Shape HostName::shape() {
  return text_shape("a host name of at most 64 letters, digits, '-' and '.'",
                    "(?=.{1,64}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
                    "(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*");
}

std::optional<std::string> VariableName::parse(std::string_view text) {
  const bool good = !text.empty() && !is_digit(text[0]) && std::ranges::all_of(text, [](char each) {
    return is_letter(each) || is_digit(each) || each == '_';
  });
  return good ? std::optional(std::string(text)) : std::nullopt;
}

Shape VariableName::shape() {
  return text_shape("a variable's name of letters, digits and '_'", "[A-Za-z_][A-Za-z0-9_]*");
}

std::optional<std::string> SysctlName::parse(std::string_view text) {
  constexpr std::array<std::string_view, 4> kPrefixes{
      "net.", "kernel.msg", "kernel.shm", "fs.mqueue."};
  const bool ours =
      text == "kernel.sem" || std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
        return text.starts_with(prefix);
      });
  const bool plain = is_word(text, "._-/") && text.find("..") == text.npos &&
                     text.find("//") == text.npos && !text.ends_with('.') && !text.ends_with('/');
  return ours && plain ? std::optional(std::string(text)) : std::nullopt;
}

std::string SysctlName::hint(std::string_view text) {
  if (text.find('/') != text.npos && text.find('.') == text.npos) {
    return "write its parts with dots, as sysctl(8) prints them";
  }
  const bool known = text.starts_with("kernel.") || text.starts_with("vm.") ||
                     text.starts_with("fs.") || text.starts_with("dev.");
  return known ? "it belongs to the whole host, and a node must not change it" : "";
}

Shape SysctlName::shape() {
  return text_shape(
      "a sysctl of a node's own: net.*, kernel.msg*, kernel.shm*, kernel.sem or fs.mqueue.*",
      "(?!.*(\\.\\.|//|[./]$))(net\\.|kernel\\.(msg|shm)|kernel\\.sem$|fs\\.mqueue\\.)"
      "[A-Za-z0-9_./-]*");
}

std::optional<EndName> End::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  auto node = Name::parse(text.substr(0, colon));
  auto interface = InterfaceName::parse(text.substr(colon + 1));
  if (!node || !interface) {
    return std::nullopt;
  }
  return EndName{*std::move(node), *std::move(interface)};
}

std::string End::hint(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return "";
  }
  const std::string_view interface = text.substr(colon + 1);
  if (!InterfaceName::parse(interface)) {
    const std::string more = InterfaceName::hint(interface);
    return quote(interface) + " is not " + InterfaceName::shape().noun +
           (more.empty() ? "" : "; " + more);
  }
  return quote(text.substr(0, colon)) + " is not " + Name::shape().noun;
}

Shape End::shape() {
  return text_shape("NODE:INTERFACE, such as web:eth2",
                    "[A-Za-z][A-Za-z0-9_-]{0,62}:(?!(lo|all|default)$)"
                    "[A-Za-z][A-Za-z0-9_.-]{0,14}");
}

Shape word_shape(std::span<const std::string_view> words) {
  Shape shape = text_shape("");
  for (std::size_t i = 0; i < words.size(); ++i) {
    shape.noun += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    shape.noun += words[i];
    shape.words.push_back(words[i]);
  }
  return shape;
}

std::string word_hint(std::string_view text, std::span<const std::string_view> words) {
  if (text.starts_with("SIG") && std::ranges::find(words, text.substr(3)) != words.end()) {
    return "write " + std::string(text.substr(3));
  }
  const std::string_view near = nearest(text, words);
  return near.empty() ? "" : "did you mean " + quote(near) + "?";
}

std::optional<resource::NsChoice> Namespace::parse(std::string_view text) {
  constexpr std::string_view kNode = "node:";
  using Mode = resource::NsChoice::Mode;
  if (text == "private") {
    return resource::NsChoice{};
  }
  if (text == "host") {
    return resource::kHostNs;
  }
  if (text.starts_with(kNode) && Name::parse(text.substr(kNode.size()))) {
    return resource::NsChoice{.mode = Mode::node, .of = std::string(text.substr(kNode.size()))};
  }
  return std::nullopt;
}

Shape Namespace::shape() {
  return text_shape("private, host or node:NAME",
                    "(private|host|node:[A-Za-z][A-Za-z0-9_-]{0,62})");
}

}  // namespace nslab::topology
