// Why a program could not be executed, and what to do about it.
#pragma once

#include <string>

namespace nslab::host {

// The hint for execve(2)'s errno on `program`, as it was written: a name that is looked for
// in PATH, or a path. Empty where the errno says it all. Programs of this host are suggested,
// which are a node's too unless it has another root.
std::string not_executed_hint(const std::string& program, int os_error);

}  // namespace nslab::host
