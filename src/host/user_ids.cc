#include "host/user_ids.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"

namespace nslab::host {
namespace {

constexpr std::uint32_t kRange = 65536;
// Where systemd has containers' users: https://systemd.io/UIDS-GIDS. Ranges begin at whole
// multiples, as its own do.
constexpr std::uint32_t kFirst = 524288 / kRange;
constexpr std::uint32_t kEnd = (1879048191 + 1U) / kRange;

// Ranges by number: that of id 65536 is 1.
using Ranges = std::bitset<kEnd>;

void take(Ranges& taken, std::uint64_t first, std::uint64_t count) {
  if (count == 0) {
    return;
  }
  const std::uint64_t last = first + std::min<std::uint64_t>(count, 1ULL << 32U) - 1;
  for (std::uint64_t i = first / kRange; i <= last / kRange && i < kEnd; ++i) {
    taken.set(i);
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                   : std::nullopt;
}

std::optional<std::uint64_t> field_of(std::string_view line, std::size_t index) {
  const auto fields = split(line, ':');
  return index < fields.size() ? parse_number(fields[index]) : std::nullopt;
}

// A column of a file in /etc that holds ids: one, or the first of as many as the next says.
struct Table {
  const char* path;
  std::size_t column;
  bool counted;
};

constexpr Table kTables[]{{"/etc/passwd", 2, false},
                          {"/etc/passwd", 3, false},
                          {"/etc/group", 2, false},
                          {"/etc/subuid", 1, true},
                          {"/etc/subgid", 1, true}};

void take_entered(Ranges& taken) {
  for (const Table& table : kTables) {
    std::ifstream file(table.path);
    for (std::string line; std::getline(file, line);) {
      const auto first = field_of(line, table.column);
      const auto count = table.counted ? field_of(line, table.column + 1) : 1;
      if (first && count) {
        take(taken, *first, *count);
      }
    }
  }
}

// Each has a file of that name while its container runs: nspawn.c of systemd.
Result<void> take_of_nspawn(Ranges& taken) {
  NSLAB_ASSIGN(names, names_in("/run/systemd/nspawn-uid"));
  for (const std::string& name : names) {
    if (const auto first = parse_number(name)) {
      take(taken, *first, kRange);
    }
  }
  return {};
}

Result<void> take_of_labs(const Context& context, Ranges& taken) {
  const std::string& state_dir = context.layout.state_dir();
  NSLAB_ASSIGN(labs, names_in(state_dir));
  for (const std::string& lab : labs) {
    const Layout layout(state_dir, lab);
    std::error_code failed;
    if (!is_lab_name(lab) || !std::filesystem::is_directory(layout.lab_dir(), failed)) {
      continue;
    }
    NSLAB_ASSIGN(nodes, names_in(layout.ids_dir()));
    for (const std::string& node : nodes) {
      const IdRange range = user_ids_of(layout, node);
      take(taken, range.first, range.count);
    }
  }
  return {};
}

Result<std::uint32_t> choose(const Context& context, const std::string& node, Ranges& taken) {
  constexpr std::uint32_t kAll = kEnd - kFirst;
  // The same each time, as long as it is free: also in the next life of the lab.
  const auto preferred =
      static_cast<std::uint32_t>(stable_hash(context.layout.lab() + "/" + node) % kAll);
  for (std::uint32_t i = 0; i < kAll; ++i) {
    const std::uint32_t range = kFirst + (preferred + i) % kAll;
    if (!taken.test(range)) {
      taken.set(range);
      return range * kRange;
    }
  }
  return Error{.kind = ErrorKind::missing,
               .message = "no 65536 user ids are left for node " + quote(node) + ", from " +
                          std::to_string(kFirst * kRange) + " to " +
                          std::to_string(kEnd * kRange - 1),
               .hint =
                   "/etc/subuid and /etc/subgid give them away: take lines out, or write "
                   "'user: host'"};
}

// Kept until the descriptor is closed.
Result<UniqueFd> lock_for_all_labs(const std::string& state_dir) {
  UniqueFd directory(::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int locked = directory.valid() ? 0 : -1;
  while (locked == 0 && (locked = ::flock(directory.get(), LOCK_EX)) != 0 && errno == EINTR) {
    locked = 0;
  }
  return locked == 0 && directory.valid() ? Result<UniqueFd>(std::move(directory))
                                          : kernel_error("locking " + quote(state_dir), errno);
}

}  // namespace

IdRange user_ids_of(const Layout& layout, std::string_view node) {
  IdRange range;
  std::ifstream file(layout.ids_file(node));
  file >> range.first >> range.count;
  return file ? range : IdRange{};
}

Outcome claim_user_ids(const Context& context, Batch<resource::UserNs> batch) {
  const Layout& layout = context.layout;
  const auto failed = [](std::size_t i, Error error) { return Failure{i, std::move(error)}; };
  const auto lock = lock_for_all_labs(layout.state_dir());
  if (!lock) {
    return failed(0, lock.error());
  }
  if (auto made = make_directories(layout.ids_dir()); !made) {
    return failed(0, std::move(made).error());
  }
  Ranges taken;
  take_entered(taken);
  for (const auto& looked : {take_of_nspawn(taken), take_of_labs(context, taken)}) {
    if (!looked) {
      return failed(0, looked.error());
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::string& node = batch[i]->node;
    const std::uint32_t count = user_ids_of(layout, node).count;
    if (count != 0 && count == batch[i]->count) {
      continue;
    }
    auto written = [&]() -> Result<void> {
      NSLAB_ASSIGN(first, choose(context, node, taken));
      return remember(
          layout, layout.ids_file(node), std::to_string(first) + " " + std::to_string(kRange));
    }();
    if (!written) {
      return failed(i, std::move(written).error());
    }
  }
  return {};
}

}  // namespace nslab::host
