"""System calls by name, and how each can plausibly fail."""

import errno
import re
from pathlib import Path

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
NUMBERS = {name: int(number)
           for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}
NAMES = {number: name for name, number in NUMBERS.items()}

# What cannot fail, or not without having been carried out: a descriptor is closed
# whatever close(2) returns. Without rseq the C library ends the program.
CANNOT_FAIL = {"arch_prctl", "brk", "close", "exit", "exit_group", "futex", "geteuid", "getpid", "getppid",
               "rseq", "rt_sigreturn", "set_robust_list", "set_tid_address", "umask"}

# The dynamic loader's own, before the program begins: it does not look at what comes
# back, and crashes.
OF_THE_LOADER = {("mmap", 1)}

# The first is the one that a sample takes.
ERRORS = {
    "access": ["EACCES", "ENOMEM"],
    "bind": ["EADDRINUSE", "ENOSPC"],
    "clone": ["EAGAIN", "ENOMEM"],
    "clone3": ["EAGAIN", "ENOMEM", "ENOSPC"],
    "connect": ["ECONNREFUSED", "EINTR"],
    "execve": ["ENOMEM", "EACCES"],
    "execveat": ["ENOMEM", "EACCES"],
    "fcntl": ["EMFILE", "EINVAL"],
    "flock": ["ENOLCK", "EINTR"],
    "fork": ["EAGAIN", "ENOMEM"],
    "fsync": ["EIO", "ENOSPC"],
    "ftruncate": ["EIO"],
    "getdents64": ["EIO", "ENOMEM"],
    "ioctl": ["ENOTTY"],
    "mkdir": ["ENOSPC", "EROFS"],
    "mmap": ["ENOMEM"],
    "mount": ["ENOMEM", "EPERM", "ENOSPC"],
    "mprotect": ["ENOMEM"],
    "newfstatat": ["ENOMEM", "EIO"],
    "open": ["EMFILE", "ENFILE", "EACCES"],
    "openat": ["EMFILE", "ENFILE", "EACCES"],
    "pipe2": ["EMFILE", "ENFILE"],
    "pivot_root": ["EINVAL", "EBUSY"],
    "poll": ["ENOMEM", "EINTR"],
    "prlimit64": ["EPERM"],
    "pwrite64": ["ENOSPC", "EIO"],
    "read": ["EIO", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "readlink": ["EIO", "ENOMEM"],
    "recvfrom": ["ENOBUFS", "EINTR", "ENOMEM"],
    "recvmsg": ["ENOBUFS", "EINTR", "ENOMEM"],
    "rename": ["ENOSPC", "EIO"],
    "rmdir": ["EBUSY", "EIO"],
    "sendmsg": ["ENOBUFS", "EINTR", "ENOMEM"],
    "sendto": ["ENOBUFS", "EINTR", "ENOMEM"],
    "setns": ["EPERM", "ENOMEM"],
    "socket": ["EMFILE", "ENOBUFS"],
    "socketpair": ["EMFILE", "ENOBUFS"],
    "statfs": ["EIO"],
    "symlink": ["ENOSPC", "EIO"],
    "umount2": ["EBUSY", "EPERM"],
    "unlink": ["EBUSY", "EIO"],
    "unshare": ["ENOSPC", "ENOMEM"],
    "wait4": ["EINTR"],
    "write": ["ENOSPC", "EIO", "EINTR"],
}
OTHERS = ["ENOMEM", "EINVAL"]


def name_of(number):
    return NAMES.get(number, str(number))


def errors_of(name):
    return [] if name in CANNOT_FAIL else ERRORS.get(name, OTHERS)


def number_of_error(name):
    return getattr(errno, name)


def points(trace):
    """[(name, occurrence)] of the lines of a trace, in order; what struck is left out."""
    seen, found = {}, []
    for line in trace.splitlines():
        if not line.startswith("hit"):
            name = name_of(int(line))
            seen[name] = seen.get(name, 0) + 1
            found.append((name, seen[name]))
    return found
