// What the boot of a machine makes below /run for its daemons, as tmpfiles.d(5) and the
// RuntimeDirectory= of systemd.exec(5) say it.
#pragma once

#include <string>
#include <vector>

namespace nslab::host {

// For a node with this root ("/": the host's), as the fields run= of init/protocol.h: parents
// first. What is systemd's own is left out: where it is there, programs take systemd to run.
// Lines that cannot be read, or name users whom the root does not have, are left out too.
std::vector<std::string> run_entries(const std::string& root);

}  // namespace nslab::host
