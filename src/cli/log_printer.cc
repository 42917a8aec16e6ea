#include "cli/log_printer.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/directory.h"
#include "base/printable.h"

namespace nslab::cli {

std::vector<Log> logs_of(const std::string& directory, const std::string& only) {
  std::vector<Log> logs;
  for (const std::string& name : names_in(directory).value_or({})) {
    std::string service = std::filesystem::path(name).stem();
    service.erase(0, service.starts_with('@') ? 1 : 0);  // see host/layout.h
    if (only.empty() || service == only) {
      logs.push_back({std::move(service), directory + "/" + name});
    }
  }
  return logs;
}

void LogPrinter::print_new(Log& log) {
  std::ifstream file(log.path, std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  if (!file || size < log.printed) {
    log.printed = file ? size : 0;
    log.held.clear();
    return;
  }
  file.seekg(log.printed);
  std::array<char, 65536> part{};
  while (file) {
    file.read(part.data(), part.size());
    const std::streamsize length = file.gcount();
    log.printed += length;  // perhaps to more than `size`: it may have grown meanwhile
    std::string text = std::exchange(log.held, {});
    text.append(part.data(), static_cast<std::size_t>(length));
    const std::size_t rest = form_ == Form::raw ? 0 : unfinished(text);
    log.held = text.substr(text.size() - rest);
    text.resize(text.size() - rest);
    print(log, text);
  }
}

void LogPrinter::finish(Log& log) {
  print(log, std::exchange(log.held, {}));
}

void LogPrinter::print(Log& log, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view line = text.substr(0, whole ? end + 1 : end);
    if (open_ != nullptr && open_ != &log) {
      console_.print("\n");
    }
    if (with_names_ && open_ != &log) {
      console_.print(log.service + " | ");
    }
    console_.print(form_ == Form::raw ? std::string(line) : escaped(line));
    open_ = whole ? nullptr : &log;
    text.remove_prefix(line.size());
  }
}

}  // namespace nslab::cli
