#include "state/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/directory.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/write.h"
#include "state/record_text.h"

namespace nslab::state {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Of the file's format. A record of another version is not read.
constexpr int kVersion = 3;

constexpr const char* kApplied = ".applied";
constexpr const char* kIntended = ".intended";
constexpr const char* kFresh = ".intended.new";

// The first line of the file. The sum finds what a JSON parser cannot: a changed
// letter in a name.
std::string header_of(std::string_view body) {
  const Json header = {{"version", kVersion}, {"sum", std::to_string(stable_hash(body))}};
  return header.dump() + "\n";
}

// Longer than any lab file that can be read in good time.
constexpr off_t kMostText = off_t{64} << 20;

// Nothing of what is no ordinary file: a pipe would never end, nor would a device.
std::string text_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));

  struct stat info {};

  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_size > kMostText) {
    return {};
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t length = ::read(file.get(), text.data() + size, text.size() - size);
    if (length <= 0) {
      return {};
    }
    size += static_cast<std::size_t>(length);
  }
  return text;
}

bool is_directory(const std::string& path) {
  struct stat info {};

  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// What nslab never makes there: somebody has to look at it.
Error in_the_way(const std::string& path) {
  return Error{.kind = ErrorKind::conflict,
               .message = quote(path) + " is a directory, where nslab keeps a file",
               .hint = "nslab did not make it: remove it or move it away"};
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
    // A directory of that name is nobody's record.
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && !is_directory(path)) {
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
                     {"without-limits", entry.source.without_limits},
                     {"owner", entry.source.owner}};
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
                                  .owner = json.at("owner"),
                                  .text = std::string(body.substr(described))}};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

bool is_of_another_version(std::string_view text, std::string_view boot) {
  const std::size_t header = text.find('\n') + 1;
  const std::string_view body = text.substr(header);
  const auto first = nlohmann::json::parse(text.substr(0, header), nullptr, false);
  const auto second = nlohmann::json::parse(body.substr(0, body.find('\n')), nullptr, false);
  const auto says = [](const nlohmann::json& line, const char* key, const nlohmann::json& value) {
    return line.is_object() && line.contains(key) && line.at(key) == value;
  };
  return first.is_object() && first.contains("version") && !says(first, "version", kVersion) &&
         says(second, "boot-id", boot);
}

const LabSource* LabRecord::source() const {
  return applied ? &*applied : intended ? &*intended : nullptr;
}

std::string LabRecord::file() const {
  const LabSource* from = source();
  return from != nullptr ? from->file : "";
}

std::string default_state_dir() {
  const char* named = std::getenv("NSLAB_STATE_DIR");
  const std::string directory = named != nullptr && *named != '\0' ? named : "/run/nslab";
  // As the kernel's mount table has it, from wherever nslab is called.
  std::error_code failed;
  fs::path found = fs::absolute(directory, failed);
  found = failed ? found : fs::weakly_canonical(found, failed);
  if (failed || !found.is_absolute()) {
    return directory;
  }
  return found.has_filename() || found == found.root_path() ? found.string()
                                                            : found.parent_path().string();
}

Result<void> check_state_dir() {
  const std::string directory = default_state_dir();
  const bool is_path = directory.starts_with('/') && directory.size() > 1;
  if (is_path) {
    return {};
  }
  return Error{.kind = ErrorKind::usage,
               .message = "NSLAB_STATE_DIR is " + quote(directory) +
                          ", which is no directory for the state of labs",
               .hint = "give an absolute path, such as '/run/nslab'"};
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
  auto entry = from_text(text_of(path(lab, suffix)));  // what is cut short has the wrong sum
  if (!entry || entry->lab != lab || entry->boot_id != boot_id()) {
    return std::nullopt;
  }
  return std::move(entry->source);
}

LabRecord RecordStore::load(const std::string& lab) const {
  LabRecord record{.applied = read(lab, kApplied), .intended = read(lab, kIntended)};
  for (const char* suffix : {kApplied, kIntended}) {
    record.of_another_version =
        record.of_another_version ||
        (!record.applied && is_of_another_version(text_of(path(lab, suffix)), boot_id()));
  }
  return record;
}

Result<void> RecordStore::intend(const std::string& lab, const LabSource& source) const {
  std::error_code failed;
  fs::create_directories(directory_, failed);
  if (failed) {
    return kernel_error("creating " + quote(directory_), failed.value());
  }
  const std::string fresh = path(lab, kFresh);
  const std::string intended = path(lab, kIntended);
  for (const std::string& each : {fresh, intended, path(lab, kApplied)}) {
    if (is_directory(each)) {
      return in_the_way(each);
    }
  }
  const std::string text = to_text({.lab = lab, .boot_id = boot_id(), .source = source});
  // What else stands in the way of a new file, such as a pipe, gives way as the old record does.
  (void)::unlink(fresh.c_str());
  if (const int error = write_whole(intended, fresh, text, /*durable=*/true); error != 0) {
    return kernel_error("writing " + quote(intended), error);
  }
  return sync_directory(directory_);
}

Result<void> RecordStore::intend_nothing(const std::string& lab) const {
  const std::string intended = path(lab, kIntended);
  const std::string applied = path(lab, kApplied);
  if (is_directory(applied) || is_directory(intended)) {
    return {};  // not ours: what goes goes without a record
  }
  if (::rename(applied.c_str(), intended.c_str()) == 0) {
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
    if ((name.extension() == kApplied || name.extension() == kIntended) &&
        !is_directory(directory_ + "/" + name.string())) {
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
