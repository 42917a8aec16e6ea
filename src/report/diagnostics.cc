#include "report/diagnostics.h"

#include <algorithm>

#include "base/printable.h"

namespace nslab::report {
namespace {

// A line of an error has to fit a terminal, also where the file is one line.
constexpr std::size_t kMaxColumns = 160;

// The line of that number, from 1, without its end; nothing beyond the last.
std::string_view line_of(std::string_view source, std::uint32_t number) {
  for (std::uint32_t line = 1; line < number; ++line) {
    const std::size_t end = source.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    source.remove_prefix(end + 1);
  }
  source = source.substr(0, source.find('\n'));
  return source.ends_with('\r') ? source.substr(0, source.size() - 1) : source;
}

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
}

// Blanks as wide as the first `characters` of the line: tabs stay tabs.
std::string indent_below(std::string_view line, std::size_t characters) {
  std::string indent;
  for (const char each : line) {
    if (begins_character(each) && characters-- == 0) {
      break;
    }
    if (begins_character(each)) {
      indent += each == '\t' ? '\t' : ' ';
    }
  }
  return indent;
}

std::string excerpt(const SourcePos& where, std::string_view source) {
  const std::string_view line = line_of(source, where.line);
  if (line.empty() || where.column == 0 || where.column > kMaxColumns) {
    return {};
  }
  std::string_view shown = line;
  if (shown.size() > kMaxColumns) {
    std::size_t end = kMaxColumns;
    while (end > 0 && !begins_character(shown[end])) {
      --end;
    }
    shown = shown.substr(0, end);
  }
  const std::string number = std::to_string(where.line);
  const std::string text = printable(shown);
  return "  " + number + " | " + text + "\n  " + std::string(number.size(), ' ') + " | " +
         indent_below(text, where.column - 1) + "^\n";
}

// What a failed command printed, set off from our own words.
std::string quoted_output(std::string_view output) {
  std::string text;
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    std::string_view line = output.substr(0, end);
    line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    text += "  > " + escaped(line) + "\n";
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  return text;
}

}  // namespace

std::string render(const Error& error, std::string_view source, std::string_view severity) {
  std::string text;
  if (error.where.file != nullptr) {
    text += *error.where.file + ":";
  }
  if (error.where.known()) {
    text += std::to_string(error.where.line) + ":" + std::to_string(error.where.column) + ":";
  }
  text += (text.empty() ? "" : " ") + std::string(severity) + ": " + to_string(error) + "\n";
  if (error.where.known()) {
    text += excerpt(error.where, source);
  }
  text += quoted_output(error.output);
  if (!error.hint.empty()) {
    text += "hint: " + error.hint + "\n";
  }
  return text;
}

std::string render(const Diagnostics& diagnostics, std::string_view source) {
  std::string text;
  for (const Error& error : diagnostics.errors()) {
    text += (text.empty() ? "" : "\n") + render(error, source);
  }
  return text;
}

}  // namespace nslab::report
