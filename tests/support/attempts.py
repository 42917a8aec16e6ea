"""What a hostile program in a node tries. Runs there: the C library and nothing of the tests.

    python3 - EXPRESSION... <attempts.py

Each expression is evaluated on its own; for each, one line says what came of it:
the name of the error, or "succeeded" and the value.
"""

import ctypes
import errno
import fcntl
import os
import platform
import signal
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)

ARM = platform.machine() == "aarch64"
KEYCTL, ADD_KEY = (219, 217) if ARM else (250, 248)
PERF_EVENT_OPEN, BPF, USERFAULTFD = (241, 280, 282) if ARM else (298, 321, 323)
INIT_MODULE, KEXEC_LOAD = (105, 104) if ARM else (175, 246)

MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MNT_DETACH = 2
AT_FDCWD = -100
FD_NSFS_ROOT = -10003
NS_GET_USERNS, NS_GET_PARENT = 0xB701, 0xB702
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
FIFREEZE = 0xC0045877
SYSLOG_SIZE_UNREAD = 9
SESSION_KEYRING, USER_KEYRING = -3, -4
KEYCTL_SEARCH, KEYCTL_READ = 10, 11


def call(function, *arguments):
    """A function of the C library, or a system call by its number; raises what it fails with."""
    packed = [argument.encode() if isinstance(argument, str) else argument for argument in arguments]
    packed = [ctypes.c_long(each) if isinstance(each, int) else each for each in packed]
    ctypes.set_errno(0)
    if isinstance(function, int):
        result = libc.syscall(ctypes.c_long(function), *packed)
    else:
        result = getattr(libc, function)(*packed)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def mount(source, target, kind, flags=0, data=None):
    return call("mount", source, target, kind, flags, data)


def fresh(kind, data=None, flags=0):
    """Mounts a file system of the kind anew, and says where."""
    place = f"/tmp/fresh-{kind}-{data}"
    os.makedirs(place, exist_ok=True)
    mount(kind, place, kind, flags, data)
    return place


def first(attempts):
    """The first that succeeds; the last one's error when none does."""
    for attempt in attempts:
        try:
            return attempt()
        except OSError as failure:
            last = failure
    raise last


def write_into(path, text=b""):
    """Opens for writing; the text is to be what is there already, lest success do harm."""
    with open(path, "r+b", buffering=0) as file:
        return file.write(text)


def rewrite(path):
    """Writes back what is there."""
    with open(path, "rb", buffering=0) as file:
        text = file.read(4096)
    with open(path, "wb", buffering=0) as file:
        return file.write(text)


def overwrite_program(path):
    """As a runtime's own program was once overwritten: held open, then opened again to write."""
    held = os.open(path, os.O_PATH)
    again = os.open(f"/proc/self/fd/{held}", os.O_RDWR)
    first_bytes = os.pread(again, 4, 0)
    return os.pwrite(again, first_bytes, 0)


def in_child(action):
    """Runs it in a child process; its OSError is raised here."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except OSError as failure:
            os._exit(failure.errno)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise OSError(status, os.strerror(status))


def in_new_user_namespace(flags, action):
    """In a namespace of users in which the caller is root, and in more of `flags`."""

    def become_root_and_act():
        call("unshare", CLONE_NEWUSER | flags)
        in_child(action)

    in_child(become_root_and_act)


def open_handle(directory, handle_type, handle):
    """A file by its handle, on the file system of the directory."""
    where = os.open(directory, os.O_RDONLY) if isinstance(directory, str) else directory
    packed = struct.pack("Ii", len(handle), handle_type) + handle
    return call("open_by_handle_at", where, packed, os.O_RDONLY)


def open_namespace(inode, kind):
    """A namespace by its number, as nsfs of Linux 6.18 has it."""
    return open_handle(FD_NSFS_ROOT, 0xF1, struct.pack("QII", 0, kind, inode))


def connect_abstract(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect("\0" + name)


def search_key(keyring, description):
    return call(KEYCTL, KEYCTL_SEARCH, keyring, "user", description, 0)


def perf_of_all():
    """Counts cycles of whatever runs on the first processor."""
    attributes = struct.pack("IIQ", 1, 112, 0).ljust(112, b"\0")
    return call(PERF_EVENT_OPEN, attributes, -1, 0, -1, 0)


def load_bpf(kind):
    """A program that does nothing, of the kind."""
    code = struct.pack("BBhi", 0xB7, 0, 0, 0) + struct.pack("BBhi", 0x95, 0, 0, 0)
    instructions = ctypes.create_string_buffer(code)
    license_name = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("IIQQ", kind, 2, ctypes.addressof(instructions),
                             ctypes.addressof(license_name)).ljust(128, b"\0")
    return call(BPF, 5, attributes, len(attributes))


def main(expressions):
    for expression in expressions:
        try:
            print("succeeded:", eval(expression), flush=True)  # it is the test's own text
        except OSError as failure:
            print(errno.errorcode.get(failure.errno, failure.errno), flush=True)


main(sys.argv[1:])
