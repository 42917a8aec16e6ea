// Plain aligned columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/style.h"

namespace nslab::report {

// How many columns of a terminal the text takes: UTF-8 characters, each one wide.
std::size_t display_width(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}

  // What nodes name themselves, their interfaces and their services is in there, too:
  // it is made printable.
  void add(const std::vector<std::string>& row);

  [[nodiscard]] bool empty() const { return rows_.size() == 1; }

  // Two spaces between columns, none at the end of a line; the header in bold.
  [[nodiscard]] std::string render(const Style& style) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nslab::report
