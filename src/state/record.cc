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
#include "resource/json.h"
#include "state/record_text.h"

namespace nslab::state {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Of the file's format. A record of another version is not read.
constexpr int kVersion = 1;

Json write_state(const resource::DesiredState& state) {
  Json resources = Json::array();
  for (const auto& [id, desired] : state.resources) {
    Json after = Json::array();
    for (const resource::Id& each : desired.after) {
      after.push_back(to_string(each));
    }
    resources.push_back({{"spec", resource::to_json(desired.spec)},
                         {"line", desired.origin.line},
                         {"column", desired.origin.column},
                         {"order", desired.order},
                         {"after", std::move(after)}});
  }
  return {
      {"lab", state.lab}, {"description", state.description}, {"resources", std::move(resources)}};
}

// What is no record of this version. Thrown and caught here only, beside
// nlohmann's own exceptions.
struct Damaged {};

std::optional<resource::DesiredState> read_state(const nlohmann::json& json,
                                                 const std::string& file) {
  if (json.is_null()) {
    return std::nullopt;
  }
  resource::DesiredState state{.lab = json.at("lab"), .description = json.at("description")};
  const auto shared_file = std::make_shared<const std::string>(file);
  for (const nlohmann::json& each : json.at("resources")) {
    auto spec = resource::from_json(each.at("spec"));
    if (!spec) {
      throw Damaged{};
    }
    resource::Desired desired{.spec = *std::move(spec),
                              .origin = {shared_file, each.at("line"), each.at("column")},
                              .order = each.at("order")};
    for (const nlohmann::json& text : each.at("after")) {
      if (auto id = resource::parse_id(text.get<std::string>())) {
        desired.after.push_back(*std::move(id));
      }
    }
    resource::Id id = id_of(desired.spec);
    state.resources.emplace(std::move(id), std::move(desired));
  }
  return state;
}

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

}  // namespace

std::string to_text(const LabRecord& record) {
  const Json json = {{"lab", record.lab},
                     {"file", record.file},
                     {"boot-id", record.boot_id},
                     {"applied", record.applied ? write_state(*record.applied) : Json(nullptr)},
                     {"intended", record.intended ? write_state(*record.intended) : Json(nullptr)}};
  return with_header(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string with_header(std::string_view body) {
  return header_of(body) + std::string(body) + "\n";
}

std::optional<LabRecord> from_text(std::string_view text) {
  const std::size_t header = text.find('\n') + 1;  // 0 where there is none
  if (header == 0 || !text.ends_with('\n')) {
    return std::nullopt;
  }
  const std::string_view body = text.substr(header, text.size() - header - 1);
  if (text.substr(0, header) != header_of(body)) {
    return std::nullopt;
  }
  try {
    const nlohmann::json json = nlohmann::json::parse(body);
    LabRecord record{.lab = json.at("lab"), .file = json.at("file"), .boot_id = json.at("boot-id")};
    record.applied = read_state(json.at("applied"), record.file);
    record.intended = read_state(json.at("intended"), record.file);
    return record;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const Damaged&) {
    return std::nullopt;
  }
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

std::optional<LabRecord> RecordStore::load(const std::string& lab) const {
  std::ifstream file(directory_ + "/" + lab + ".json");
  std::ostringstream text;
  text << file.rdbuf();  // what cannot be read to its end has the wrong sum
  auto record = from_text(text.str());
  if (!record || record->lab != lab || record->boot_id != boot_id()) {
    return std::nullopt;
  }
  return record;
}

Result<void> RecordStore::save(const LabRecord& record) const {
  std::error_code failed;
  fs::create_directories(directory_, failed);
  if (failed) {
    return kernel_error("creating " + quote(directory_), failed.value());
  }
  const std::string path = directory_ + "/" + record.lab + ".json";
  const std::string fresh = path + ".new";
  auto written = write_file(fresh, to_text(record));
  if (written && ::rename(fresh.c_str(), path.c_str()) != 0) {
    written = kernel_error("writing " + quote(path), errno);
  }
  if (!written) {
    (void)::unlink(fresh.c_str());
    return written;
  }
  return sync_directory(directory_);
}

Result<void> RecordStore::remove(const std::string& lab) const {
  for (const char* suffix : {".json", ".json.new"}) {
    const std::string path = directory_ + "/" + lab + suffix;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return kernel_error("removing " + quote(path), errno);
    }
  }
  (void)::rmdir(directory_.c_str());  // succeeds only for the last lab
  return {};
}

std::vector<std::string> RecordStore::labs() const {
  std::vector<std::string> found;
  for (const fs::path name : names_in(directory_).value_or({})) {
    std::error_code failed;
    if (name.extension() == ".json") {
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
