#include "state/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/directory.h"
#include "base/fd.h"
#include "base/text.h"
#include "state/record_text.h"

namespace nslab::state {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Of the file's format. A record of another version is not read.
constexpr int kVersion = 2;

constexpr const char* kApplied = ".applied";
constexpr const char* kIntended = ".intended";
constexpr const char* kFresh = ".intended.new";

// The first line of the file. The sum finds what a JSON parser cannot: a changed
// letter in a name.
std::string header_of(std::string_view body) {
  const Json header = {{"version", kVersion}, {"sum", std::to_string(stable_hash(body))}};
  return header.dump() + "\n";
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return kernel_error("creating " + quote(path), errno);
  }
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) {
      return kernel_error("writing " + quote(path), errno);
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) {
    return kernel_error("writing " + quote(path), errno);
  }
  return {};
}

Result<void> sync_directory(const std::string& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) {
    return kernel_error("writing " + quote(path), errno);
  }
  return {};
}

Result<void> remove_files(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return kernel_error("removing " + quote(path), errno);
    }
  }
  return {};
}

}  // namespace

std::string to_text(const RecordEntry& entry) {
  const Json json = {{"lab", entry.lab},
                     {"boot-id", entry.boot_id},
                     {"file", entry.source.file},
                     {"directory", entry.source.directory},
                     {"without-limits", entry.source.without_limits}};
  return with_header(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" +
                     entry.source.text);
}

std::string with_header(std::string_view body) {
  return header_of(body) + std::string(body);
}

std::optional<RecordEntry> from_text(std::string_view text) {
  const std::size_t header = text.find('\n') + 1;  // 0 where there is none
  const std::string_view body = text.substr(header);
  const std::size_t described = body.find('\n') + 1;
  if (header == 0 || described == 0 || text.substr(0, header) != header_of(body)) {
    return std::nullopt;
  }
  try {
    const nlohmann::json json = nlohmann::json::parse(body.substr(0, described));
    return RecordEntry{.lab = json.at("lab"),
                       .boot_id = json.at("boot-id"),
                       .source = {.file = json.at("file"),
                                  .directory = json.at("directory"),
                                  .without_limits = json.at("without-limits"),
                                  .text = std::string(body.substr(described))}};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string LabRecord::file() const {
  return applied ? applied->file : intended ? intended->file : "";
}

std::string default_state_dir() {
  const char* named = std::getenv("NSLAB_STATE_DIR");
  return named != nullptr && *named != '\0' ? named : "/run/nslab";
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::string RecordStore::path(const std::string& lab, const char* suffix) const {
  return directory_ + "/" + lab + suffix;
}

std::optional<LabSource> RecordStore::read(const std::string& lab, const char* suffix) const {
  std::ifstream file(path(lab, suffix));
  std::ostringstream text;
  text << file.rdbuf();  // what cannot be read to its end has the wrong sum
  auto entry = from_text(text.str());
  if (!entry || entry->lab != lab || entry->boot_id != boot_id()) {
    return std::nullopt;
  }
  return std::move(entry->source);
}

LabRecord RecordStore::load(const std::string& lab) const {
  return {.applied = read(lab, kApplied), .intended = read(lab, kIntended)};
}

Result<void> RecordStore::intend(const std::string& lab, const LabSource& source) const {
  std::error_code failed;
  fs::create_directories(directory_, failed);
  if (failed) {
    return kernel_error("creating " + quote(directory_), failed.value());
  }
  const std::string fresh = path(lab, kFresh);
  const std::string intended = path(lab, kIntended);
  auto written = write_file(fresh, to_text({.lab = lab, .boot_id = boot_id(), .source = source}));
  if (written && ::rename(fresh.c_str(), intended.c_str()) != 0) {
    written = kernel_error("writing " + quote(intended), errno);
  }
  if (!written) {
    (void)::unlink(fresh.c_str());
    return written;
  }
  return sync_directory(directory_);
}

Result<void> RecordStore::intend_nothing(const std::string& lab) const {
  const std::string intended = path(lab, kIntended);
  if (::rename(path(lab, kApplied).c_str(), intended.c_str()) == 0) {
    return sync_directory(directory_);
  }
  // Without a record, or with that of a command that was cut short, it says so already.
  return errno == ENOENT ? Result<void>() : kernel_error("writing " + quote(intended), errno);
}

Result<void> RecordStore::commit(const std::string& lab) const {
  const std::string applied = path(lab, kApplied);
  if (::rename(path(lab, kIntended).c_str(), applied.c_str()) != 0) {
    return kernel_error("writing " + quote(applied), errno);
  }
  return sync_directory(directory_);
}

Result<void> RecordStore::withdraw(const std::string& lab) const {
  NSLAB_TRY(remove_files({path(lab, kIntended), path(lab, kFresh)}));
  (void)::rmdir(directory_.c_str());  // succeeds only without any lab
  return {};
}

Result<void> RecordStore::remove(const std::string& lab) const {
  NSLAB_TRY(remove_files({path(lab, kApplied), path(lab, kIntended), path(lab, kFresh)}));
  (void)::rmdir(directory_.c_str());  // succeeds only for the last lab
  return {};
}

std::vector<std::string> RecordStore::labs() const {
  std::vector<std::string> found;
  for (const fs::path name : names_in(directory_).value_or({})) {
    std::error_code failed;
    if (name.extension() == kApplied || name.extension() == kIntended) {
      found.push_back(name.stem().string());
    } else if (fs::is_directory(fs::path(directory_) / name, failed)) {
      found.push_back(name.string());
    }
  }
  std::ranges::sort(found);
  const auto rest = std::ranges::unique(found);
  found.erase(rest.begin(), rest.end());
  return found;
}

}  // namespace nslab::state
