#include "cli/session.h"

#include "base/parallel.h"
#include "base/text.h"
#include "cli/find.h"
#include "cli/interrupt.h"
#include "cli/source.h"
#include "topology/load.h"

namespace nslab::cli {
namespace {

void drop_limits(resource::DesiredState& desired) {
  for (auto& [id, entry] : desired.resources) {
    if (auto* cgroup = std::get_if<resource::Cgroup>(&entry.spec)) {
      *cgroup = resource::Cgroup{.node = cgroup->node};
    }
  }
}

}  // namespace

std::optional<LabFile> read_lab_file(const Arguments& arguments, Console& console) {
  auto source = read_source(arguments.target);
  if (!source) {
    Error error = std::move(source).error();
    if (error.kind == ErrorKind::not_found) {
      error.hint = file_hint(arguments.target);
    }
    console.fail(error);
    return std::nullopt;
  }
  if (!arguments.name.empty()) {
    if (auto good = check_lab_name(arguments.name); !good) {
      console.fail(std::move(good.error()).while_doing("--name"));
      return std::nullopt;
    }
  }
  LabFile read{.source = std::move(source->lab)};
  read.source.without_limits = arguments.without_limits;
  Diagnostics diagnostics;
  auto lab = load_lab(read.source.text,
                      source->shown,
                      source->default_name,
                      diagnostics,
                      read.source.directory,
                      arguments.name);
  if (!diagnostics.ok() || !lab) {
    diagnostics.sort();
    console.fail(diagnostics.errors(), read.source.text);
    return std::nullopt;
  }
  read.desired = std::move(lab->desired);
  if (arguments.without_limits) {
    drop_limits(read.desired);
  }
  return read;
}

std::optional<resource::DesiredState> read_recorded(const std::string& lab,
                                                    const state::LabSource& source) {
  Diagnostics unheard;
  if (!check_lab_name(lab)) {
    return std::nullopt;
  }
  auto loaded = load_lab(source.text, source.file, lab, unheard, source.directory, lab);
  if (!loaded) {
    return std::nullopt;
  }
  if (source.without_limits) {
    drop_limits(loaded->desired);
  }
  return std::move(loaded->desired);
}

Result<Session> Session::open(const std::string& lab, Console& console) {
  Session session;
  session.lab_ = lab;
  const std::string directory = state::default_state_dir();
  session.store_ = std::make_unique<state::RecordStore>(directory);
  NSLAB_ASSIGN(host,
               host::LinuxHost::open(directory, lab, {.asked = interrupted, .fd = interrupt_fd()}));
  session.host_ = std::move(host);
  session.reconciler_ = std::make_unique<reconcile::Reconciler>(
      *session.host_, *session.store_, console, read_recorded);
  return session;
}

Result<void> Session::lock(const std::string& purpose, bool wait) {
  outlive_other_signals();
  NSLAB_ASSIGN(held, state::LabLock::take(store_->directory(), lab_, purpose, wait));
  lock_ = std::move(held);
  return {};
}

Result<void> Session::unlock() {
  return lock_ ? lock_->release() : Result<void>();
}

std::optional<resource::ObservedState> look_beside(host::Host& host,
                                                   const std::function<void()>& work) {
  std::optional<resource::ObservedState> seen;
  auto looking = try_thread([&] {
    if (auto observed = host.observe()) {
      seen = *std::move(observed);
    }
  });
  work();
  looking.reset();  // has ended
  return seen;
}

void explain_failure(const reconcile::Failed& failed, const std::string& lab, Console& console) {
  console.fail(failed.errors);
  if (failed.rollback_error) {
    const auto same = [&](const Error& error) {
      return to_string(error) == to_string(*failed.rollback_error) &&
             error.where.line == failed.rollback_error->where.line;
    };
    if (std::ranges::any_of(failed.errors, same)) {
      console.say("putting the lab back failed the same way");
    } else {
      console.fail(*failed.rollback_error);
    }
    console.say("lab " + quote(lab) + " could not be put back; 'nslab down " + lab +
                "' removes what is left");
  } else if (failed.put_back) {
    console.say(failed.gone ? "nothing of lab " + quote(lab) +
                                  " is left; with --keep it stays as it is, for a look"
                            : "lab " + quote(lab) + " is as it was before");
  } else if (!failed.rolled_back) {
    console.say("what is left of lab " + quote(lab) + " stays; 'nslab down " + lab +
                "' removes it");
  }
}

int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::syntax:
    case ErrorKind::schema:
    case ErrorKind::semantic:
      return kUsage;
    default:
      return kFailed;
  }
}

}  // namespace nslab::cli
