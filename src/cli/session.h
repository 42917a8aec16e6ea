// What several commands begin with: reading a lab file, opening the host and the record.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "host/linux_host.h"
#include "reconcile/reconciler.h"
#include "state/lock.h"
#include "state/record.h"

namespace nslab::cli {

struct LabFile {
  state::LabSource source;
  resource::DesiredState desired;
};

// Reads and checks the lab file that the user named, as the lab that they called it, and
// without its limits where they asked for that; prints every error in it. Nothing when there was
// one.
std::optional<LabFile> read_lab_file(const Arguments& arguments, Console& console);

// The same of a file that was recorded: what it said then. Prints nothing.
std::optional<resource::DesiredState> read_recorded(const std::string& lab,
                                                    const state::LabSource& source);

// One lab on this host, with what it takes to look at it and to change it.
class Session {
 public:
  static Result<Session> open(const std::string& lab, Console& console);

  // Holds the lab's lock until the session ends. `purpose` is for who waits.
  Result<void> lock(const std::string& purpose, bool wait);
  // Before a command says that nothing is left: the end of the session does it too,
  // and cannot tell what went wrong.
  Result<void> unlock();

  [[nodiscard]] const std::string& lab() const { return lab_; }

  [[nodiscard]] host::LinuxHost& host() { return *host_; }

  [[nodiscard]] const state::RecordStore& store() const { return *store_; }

  [[nodiscard]] reconcile::Reconciler& reconciler() { return *reconciler_; }

 private:
  Session() = default;

  std::string lab_;
  std::unique_ptr<state::RecordStore> store_;
  std::unique_ptr<host::LinuxHost> host_;
  std::unique_ptr<reconcile::Reconciler> reconciler_;
  std::optional<state::LabLock> lock_;
};

// What is there of a lab, looked at while `work` is done. Nothing when it could not be seen.
std::optional<resource::ObservedState> look_beside(host::Host& host,
                                                   const std::function<void()>& work);

// Prints why a command failed, and what became of the lab.
void explain_failure(const reconcile::Failed& failed, const std::string& lab, Console& console);

// 2 for what the user wrote, 1 for what the host did.
int exit_status(ErrorKind kind);

}  // namespace nslab::cli
