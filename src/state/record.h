// The record of a lab on disk: the lab file that it was last brought to, and the one
// that a command is bringing it to. The second is written before the first change,
// and takes the first one's place after the last. It tells drift from a change of the
// file, and what to go back to when an `up` fails; what exists is always read from
// the kernel, so a lost record strands nothing.
//
// Files of a lab LAB in the state directory (below /run by default):
//   LAB/          the lab's own tmpfs, made by the host layer
//   LAB.applied   the record: of what the lab was last brought to
//   LAB.intended  and of what it is being brought to
//   LAB.lock      held by the command that changes the lab
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::state {

// A lab file as it was read: all that it takes to read it again.
struct LabSource {
  std::string file;             // its path without links; "-" for what is no regular file
  std::string directory;        // where its relative paths begin
  bool without_limits = false;  // limits were left out, as the user asked
  std::uint32_t owner = 0;      // the user whose file it is, or who wrote it to a pipe
  std::string text;

  bool operator==(const LabSource&) const = default;
};

struct LabRecord {
  // What the lab was last brought to, whole and verified. Nothing before the
  // first `up` has ended.
  std::optional<LabSource> applied;
  // What a command is bringing the lab to now, or was when it was killed; while it is
  // taken away, what it was.
  std::optional<LabSource> intended;
  // There is one of this boot that another version of nslab has written: what it says is not
  // known.
  bool of_another_version = false;

  // The lab file that the lab came from, or is coming from; null where it is not known.
  [[nodiscard]] const LabSource* source() const;
  // Its path; empty where it is not known.
  [[nodiscard]] std::string file() const;

  bool operator==(const LabRecord&) const = default;
};

// The directory that NSLAB_STATE_DIR names, or /run/nslab: its absolute path, without links.
// As it is where that cannot be told; check_state_dir() then says so.
std::string default_state_dir();
Result<void> check_state_dir();

class RecordStore {
 public:
  explicit RecordStore(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }

  // What is known of a lab. What belongs to another boot or another version of nslab,
  // or is damaged, is not known: a record is a hint.
  [[nodiscard]] LabRecord load(const std::string& lab) const;

  // Durable and atomic: a new file, fsync, rename, fsync of the directory. On failure
  // the intent may be there all the same.
  [[nodiscard]] Result<void> intend(const std::string& lab, const LabSource& source) const;
  // The lab is going to be taken away. As durable, and takes no room on the disk.
  [[nodiscard]] Result<void> intend_nothing(const std::string& lab) const;
  // What was intended is what the lab has been brought to. As durable.
  [[nodiscard]] Result<void> commit(const std::string& lab) const;
  // What was intended will not be.
  [[nodiscard]] Result<void> withdraw(const std::string& lab) const;

  // Removes the record, and the directory when it is the last thing in it.
  [[nodiscard]] Result<void> remove(const std::string& lab) const;

  // The labs that have a record or a directory, sorted.
  [[nodiscard]] std::vector<std::string> labs() const;

 private:
  [[nodiscard]] std::string path(const std::string& lab, const char* suffix) const;
  [[nodiscard]] std::optional<LabSource> read(const std::string& lab, const char* suffix) const;

  std::string directory_;
};

}  // namespace nslab::state
