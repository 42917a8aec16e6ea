// Files of a node, written from inside it: no path leads out. See path.h.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "init/failure.h"
#include "init/protocol.h"

namespace nslab::init {

// Makes the directories above it. Writes in place, so that the file's inode, and
// mounts of it, stay. A symbolic link at `path`, or what else is no regular file, is
// replaced: what it leads to is not meant. Paths are C strings.
Failure write_file(const char* path, std::string_view content, mode_t mode);

// Success also when it is not there.
Failure remove_file(const char* path);

// Adds content=, mode= and cut= of the protocol's `file`; nothing when there is no
// regular file.
void describe_file(const char* path, Writer& writer);

// Of this UTS namespace; `in_file`: in /etc/hostname, too.
Failure set_hostname(std::string_view name, bool in_file);

}  // namespace nslab::init
