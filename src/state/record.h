// The record of a lab on disk: what nslab intends and what it has made. Written
// before the first change and after the last. It tells drift from a change of
// the file, and what to go back to when an `up` fails; what exists is always
// read from the kernel, so a lost record strands nothing.
//
// Files of a lab LAB in the state directory (below /run by default):
//   LAB/        the lab's own tmpfs, made by the host layer
//   LAB.json    this record
//   LAB.lock    held by the command that changes the lab
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "resource/state.h"

namespace nslab::state {

struct LabRecord {
  std::string lab;
  std::string file;     // the lab file's absolute path; "-" for standard input
  std::string boot_id;  // of the boot that the kernel objects belong to
  // What the lab was last brought to, whole and verified. Nothing before the
  // first `up` has ended.
  std::optional<resource::DesiredState> applied;
  // What a command is bringing the lab to now, or was when it was killed.
  std::optional<resource::DesiredState> intended;
};

// The directory that NSLAB_STATE_DIR names, or /run/nslab.
std::string default_state_dir();

// This boot's id, from /proc/sys/kernel/random/boot_id; empty when unreadable.
std::string boot_id();

class RecordStore {
 public:
  explicit RecordStore(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }

  // The record of a lab; nothing when there is none, when it belongs to another
  // boot or another version of nslab, or when it is damaged: a record is a hint.
  [[nodiscard]] std::optional<LabRecord> load(const std::string& lab) const;

  // Durable and atomic: a new file, fsync, rename, fsync of the directory.
  [[nodiscard]] Result<void> save(const LabRecord& record) const;

  // Removes the record, and the directory when it is the last thing in it.
  [[nodiscard]] Result<void> remove(const std::string& lab) const;

  // The labs that have a record or a directory, sorted.
  [[nodiscard]] std::vector<std::string> labs() const;

 private:
  std::string directory_;
};

}  // namespace nslab::state
