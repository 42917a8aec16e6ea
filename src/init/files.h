// Files of a node, written from inside it: no path leads out, and nothing is written
// through what is mounted from the host. See path.h.
#pragma once

#include <sys/types.h>

#include <climits>
#include <cstdint>
#include <string_view>

#include "init/failure.h"
#include "init/host_parts.h"
#include "init/protocol.h"
#include "init/text.h"

namespace nslab::init {

// Whom a file was given to.
struct Owner {
  bool given = false;
  uid_t uid = 0;
  gid_t gid = 0;
};

// A `write` request. Makes the directories above it. Writes in place, so that the file's
// inode, and mounts of it, stay. What is there and no regular file is replaced, with
// whatever is in it: what it leads to is not meant. A file of the host's that is seen by a
// mount is left as it is and covered by a mount of the node's own, whose number is `cover`
// (0: none yet); where the host has none, that is a failure. `directory` is then where
// the file is, also when links led there.
struct Written {
  Owner owner;
  std::uint64_t cover = 0;
  Text<PATH_MAX> directory;
};

Failure write_file(const Packet& request, const HostParts& host, Written& written);

// Takes it away, or its cover. Success also when it is not there, or no longer nslab's.
// With fd=host, what the host has in its place is copied there.
Failure remove_file(const Packet& request, const HostParts& host, std::uint64_t cover);

// Adds content=, mode=, owned= and cut= of the protocol's `file`; nothing when there is no
// regular file.
void describe_file(const Packet& memory, Writer& writer);

// A `mkdir` request. What is there and no directory is replaced. `made`: it was not there.
Failure make_directory(const Packet& request, const HostParts& host, Owner& owner, bool& made);

// Removes it, if it is empty. Success also when it is not, or is not there.
void remove_directory(const char* path, const HostParts& host);

// Adds mode= and owned= of the protocol's `directory`; nothing when there is none.
void describe_directory(const Packet& memory, Writer& writer);

// Of this UTS namespace.
Failure set_hostname(std::string_view name);
// In /etc/hostname, where that is the node's own.
Failure write_hostname(std::string_view name, const HostParts& host);

}  // namespace nslab::init
