#include "report/table.h"

#include <algorithm>

#include "base/printable.h"

namespace nslab::report {

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char each) { return (static_cast<unsigned char>(each) & 0xc0U) != 0x80U; }));
}

void Table::add(const std::vector<std::string>& row) {
  std::vector<std::string>& shown = rows_.emplace_back();
  for (const std::string& cell : row) {
    shown.push_back(printable(cell));
  }
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], display_width(row[column]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::size_t gap = column == 0 ? 0 : 2;
      line.append(gap, ' ');
      line += row[column];
      line.append(widths[column] - display_width(row[column]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (&row == rows_.data() ? style.paint(Colour::bold, line) : line) + "\n";
  }
  return text;
}

}  // namespace nslab::report
