#include "host/run_dirs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"

namespace nslab::host {
namespace {

struct Entry {
  char type = 'd';
  unsigned mode = 0755;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string target;
};

// By their paths below /run.
using Entries = std::map<std::string, Entry>;

constexpr std::size_t kMostEntries = 500;

// Words between blanks.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string_view word : split(line, ' ')) {
    for (const std::string_view part : split(word, '\t')) {
      if (!part.empty()) {
        words.emplace_back(part);
      }
    }
  }
  return words;
}

std::optional<std::uint32_t> number_of(std::string_view text, int base = 10) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return failed == std::errc{} && end == text.data() + text.size() && !text.empty()
             ? std::optional(number)
             : std::nullopt;
}

// The names of /etc/passwd or /etc/group, and their numbers.
class Accounts {
 public:
  explicit Accounts(const std::string& root)
      : users_(lines_of(root + "/etc/passwd")), groups_(lines_of(root + "/etc/group")) {}

  [[nodiscard]] std::optional<std::uint32_t> user(std::string_view name) const {
    return find(users_, name, 2);
  }

  [[nodiscard]] std::optional<std::uint32_t> group(std::string_view name) const {
    return find(groups_, name, 2);
  }

  [[nodiscard]] std::optional<std::uint32_t> group_of_user(std::string_view name) const {
    return find(users_, name, 3);
  }

 private:
  static std::vector<std::string> lines_of(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(std::move(line));
    }
    return lines;
  }

  static std::optional<std::uint32_t> find(const std::vector<std::string>& lines,
                                           std::string_view name,
                                           std::size_t place) {
    if (name.empty() || name == "-" || name == "root") {
      return 0;
    }
    if (const auto number = number_of(name)) {
      return number;
    }
    for (const std::string& line : lines) {
      const auto fields = split(line, ':');
      if (fields.size() > place && fields[0] == name) {
        return number_of(fields[place]);
      }
    }
    return std::nullopt;
  }

  std::vector<std::string> users_;
  std::vector<std::string> groups_;
};

// Its path below /run; nothing for what a node is not to have.
std::optional<std::string> path_in_run(std::string_view path) {
  for (const std::string_view top : {"/run/", "/var/run/"}) {
    if (!path.starts_with(top)) {
      continue;
    }
    path.remove_prefix(top.size());
    while (path.ends_with('/')) {
      path.remove_suffix(1);
    }
    constexpr std::array<std::string_view, 10> kNot{"systemd",
                                                    "udev",
                                                    "user",
                                                    "log",
                                                    "credentials",
                                                    "initctl",
                                                    "nslab",
                                                    "netns",
                                                    "mount",
                                                    "blkid"};
    const std::string_view first = path.substr(0, path.find('/'));
    const bool plain = !path.empty() && path.find_first_of("%*?[\n") == std::string_view::npos &&
                       path.find("..") == std::string_view::npos;
    return plain && std::ranges::find(kNot, first) == kNot.end() ? std::optional(std::string(path))
                                                                 : std::nullopt;
  }
  return std::nullopt;
}

// Later lines for the same path do not count.
void add(Entries& entries, const std::string& path, Entry entry) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    entries.try_emplace(path.substr(0, slash));
  }
  entries.insert_or_assign(path, std::move(entry));
}

// "d /run/postgresql 2775 postgres postgres -"
void read_line(std::string_view line, const Accounts& accounts, Entries& entries) {
  std::vector<std::string> words = words_of(line);
  if (words.size() < 2 || words[0].starts_with('#')) {
    return;
  }
  words.resize(std::max<std::size_t>(words.size(), 7), "-");
  constexpr std::string_view kTypes = "dDvqQfFL";
  constexpr std::string_view kKinds = "dddddffL";
  const std::size_t type = kTypes.find(words[0][0]);
  const auto path = path_in_run(words[1]);
  const auto plain = [](std::string_view text) {
    const std::size_t begin = text.find_first_not_of(":~");
    return text.substr(std::min(begin, text.size()));
  };
  if (type == std::string_view::npos || !path || entries.contains(*path)) {
    return;
  }
  Entry entry{.type = kKinds[type], .target = words[6] == "-" ? "" : words[6]};
  const auto mode = number_of(plain(words[2]), 8);
  const auto uid = accounts.user(plain(words[3]));
  const auto gid = accounts.group(plain(words[4]));
  if (!uid || !gid || (entry.type == 'L' && entry.target.empty())) {
    return;
  }
  entry.mode = mode.value_or(entry.type == 'd' ? 0755 : 0644) & 07777;
  entry.uid = *uid;
  entry.gid = *gid;
  add(entries, *path, std::move(entry));
}

// The files of some directories, of which those in an earlier one hide those of their name in
// the later ones.
std::map<std::string, std::string> files_in(const std::vector<std::string>& directories,
                                            std::string_view ending) {
  std::map<std::string, std::string> files;
  for (const std::string& directory : directories) {
    const auto names = names_in(directory);
    for (const std::string& name : names ? *names : std::vector<std::string>{}) {
      if (name.ends_with(ending)) {
        files.try_emplace(name, directory + "/" + name);
      }
    }
  }
  return files;
}

// A unit's RuntimeDirectory=.
void read_unit(const std::string& name,
               const std::string& path,
               const Accounts& accounts,
               Entries& entries) {
  std::map<std::string, std::string, std::less<>> keys;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos && (line[0] == 'R' || line[0] == 'U' || line[0] == 'G')) {
      keys[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  const auto uid = accounts.user(keys["User"]);
  const auto gid =
      keys["Group"].empty() ? accounts.group_of_user(keys["User"]) : accounts.group(keys["Group"]);
  if (!uid || !gid) {
    return;
  }
  for (std::string directory : words_of(keys["RuntimeDirectory"])) {
    directory.resize(std::min(directory.find(':'), directory.size()));
    const std::string stem = name.substr(0, name.find_first_of("@."));
    for (const std::string_view same : {"%N", "%p"}) {
      if (const std::size_t at = directory.find(same);
          at != std::string::npos && name.find('@') == std::string::npos) {
        directory.replace(at, same.size(), stem);
      }
    }
    const auto below = path_in_run("/run/" + directory);
    if (below && !entries.contains(*below)) {
      add(entries,
          *below,
          {.mode = number_of(keys["RuntimeDirectoryMode"], 8).value_or(0755) & 07777,
           .uid = *uid,
           .gid = *gid});
    }
  }
}

}  // namespace

std::vector<std::string> run_entries(const std::string& root) {
  const std::string top = root == "/" ? "" : root;
  const Accounts accounts(top);
  Entries entries;
  // On a machine these are file systems and files of the boot's own.
  add(entries, "lock", {.mode = 01777});
  if (const auto utmp = accounts.group("utmp")) {
    add(entries, "utmp", {.type = 'f', .mode = 0664, .gid = *utmp});
  }
  for (const auto& [name, path] :
       files_in({top + "/etc/tmpfiles.d", top + "/run/tmpfiles.d", top + "/usr/lib/tmpfiles.d"},
                ".conf")) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      read_line(line, accounts, entries);
    }
  }
  for (const auto& [name, path] : files_in({top + "/etc/systemd/system",
                                            top + "/usr/lib/systemd/system",
                                            top + "/lib/systemd/system"},
                                           ".service")) {
    read_unit(name, path, accounts, entries);
  }
  std::vector<std::string> fields;
  for (const auto& [path, entry] : entries) {
    if (fields.size() == kMostEntries) {
      break;
    }
    std::array<char, 80> start{};
    (void)std::snprintf(
        start.data(), start.size(), "%c %o %u %u ", entry.type, entry.mode, entry.uid, entry.gid);
    fields.push_back(start.data() + path + (entry.target.empty() ? "" : " " + entry.target));
  }
  return fields;
}

}  // namespace nslab::host
