"""What a hostile program in a node tries on the kernel: parameters, devices, cgroups, mounts."""

import ctypes
import os
import struct
import unittest
from pathlib import Path

import hostile
from hostile import BOUND, SECRET, tried
from nslab_test import main, residue, run

SYSCTLS = ("/proc/sys/kernel/panic", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
           "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max")
SWITCHES = ("/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/mtrr")
DEVICES = ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg", "/dev/console", "/dev/tty0", "/dev/vda", "/dev/sda",
           "/dev/nvme0n1", "/dev/loop-control", "/dev/mapper/control", "/dev/fuse", "/dev/kvm")
# File systems with the kernel's own files, of which there is one for the whole machine.
OF_THE_KERNEL = ("devtmpfs", "debugfs", "tracefs", "securityfs", "configfs", "bpf", "pstore", "efivarfs")

READ_ONLY = "these parts of its /proc are mounted read-only"
NOT_ITS_KERNEL = "only root of the host's users may mount these"


def handle_of(path):
    """(type, bytes) of the file's handle."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    if libc.name_to_handle_at(-100, str(path).encode(), buffer, ctypes.byref(ctypes.c_int()), 0) != 0:
        return None
    size, kind = struct.unpack_from("Ii", buffer.raw)
    return kind, buffer.raw[8:8 + size]


def takes_sys_admin_for_syslog():
    """Whether this kernel lets root without CAP_SYSLOG read its log."""
    tried = "import ctypes, sys; sys.exit(42 if ctypes.CDLL(None).klogctl(9, None, 0) >= 0 else 0)"
    result = run("setpriv", "--bounding-set", "-syslog", "--inh-caps", "-syslog", "/usr/bin/python3", "-c", tried)
    assert result.code in (0, 42), result
    return result.code == 42


class Kernel(hostile.HostileTest):
    heading = "The kernel and its devices"

    @tried("write `/proc/sys/kernel`, `vm`, `fs`", READ_ONLY, READ_ONLY)
    def test_sysctls(self, node):
        self.refused(node, "EROFS", *(f"open('{path}', 'w')" for path in SYSCTLS))

    @tried("write `/proc/sysrq-trigger`, `/proc/irq`, `/proc/mtrr`", READ_ONLY, READ_ONLY)
    def test_switches(self, node):
        self.refused(node, "EROFS ENOENT EACCES", *(f"open('{path}', 'w')" for path in SWITCHES))

    @tried("make them writable: mount those parts anew", private="the mounts are locked: they are the host's making")
    def test_remount(self, node):
        self.refused(node, "EPERM", *(f"mount(None, '{path}', None, MS_REMOUNT | MS_BIND)"
                                      for path in ("/proc/sys", "/proc/irq", "/sys")))
        self.refused(node, "EINVAL", "call('umount2', '/proc/sys', MNT_DETACH)")

    @tried("mount another `/proc` or `/sys`, also in user namespaces of its own",
           private="none that shows more than those it has")
    def test_another_proc(self, node):
        self.refused(node, "EPERM", "fresh('proc')", "fresh('sysfs')",
                     "in_new_user_namespace(CLONE_NEWNS | CLONE_NEWPID, lambda: fresh('proc'))",
                     "in_new_user_namespace(CLONE_NEWNS, lambda: fresh('sysfs'))")

    @tried("mount `devtmpfs`, `debugfs`, `tracefs`, `securityfs`, `bpf`…", private=NOT_ITS_KERNEL)
    def test_file_systems_of_the_kernel(self, node):
        self.refused(node, "EPERM ENODEV", *(f"fresh('{kind}')" for kind in OF_THE_KERNEL))

    @tried("open the host's memory, log, console and disks in `/dev`", "its `/dev` does not have them",
           "its `/dev` does not have them")
    def test_devices(self, node):
        self.refused(node, "ENOENT", *(f"open('{path}', 'rb')" for path in DEVICES))

    @tried("make a device node", "CAP_MKNOD is dropped", "not for the root of a user namespace")
    def test_make_device(self, node):
        whole = os.makedev(254, 0)
        self.refused(node, "EPERM", f"os.mknod('/tmp/disk', 0o60600, {whole})", f"os.mknod('/dev/disk', 0o60600, {whole})",
                     "os.mknod('/dev/mem', 0o20600, os.makedev(1, 1))")
        self.refused(node, "EPERM EACCES", f"os.mknod('/bound/disk', 0o60600, {whole})")
        self.assertFalse((BOUND / "disk").exists())

    @tried("reach the hardware's ports", "CAP_SYS_RAWIO is dropped", "CAP_SYS_RAWIO is dropped")
    def test_ports(self, node):
        self.refused(node, "EPERM ENOSYS", "call('iopl', 3)", "call('ioperm', 0x70, 2, 1)")

    @tried("read the kernel's log: syslog(2), `/proc/kmsg`", "CAP_SYSLOG is dropped; Linux 6.1 takes CAP_SYS_ADMIN as well",
           "CAP_SYSLOG is dropped")
    def test_log(self, node):
        if node == "private" or not takes_sys_admin_for_syslog():
            self.refused(node, "EPERM EACCES ENOENT", "call('klogctl', SYSLOG_SIZE_UNREAD, 0, 0)", "open('/proc/kmsg')")

    @tried("read the kernel's memory: `/proc/kcore`", "CAP_SYS_RAWIO is dropped", "CAP_SYS_RAWIO is dropped")
    def test_memory(self, node):
        self.refused(node, "EPERM EACCES ENOENT", "open('/proc/kcore', 'rb')")

    @tried("reboot, set the clock, load a module or another kernel", "their capabilities are dropped",
           "their capabilities are dropped")
    def test_whole_machine(self, node):
        self.refused(node, "EPERM ENOSYS", "call('reboot', 0)", "call('clock_settime', 0, struct.pack('qq', 0, 0))",
                     "call(INIT_MODULE, b'', 0, '')", "call(KEXEC_LOAD, 0, 0, 0, 0)")

    @tried("add swap, freeze a file system that is bound into the node", private="not for the root of a user namespace")
    def test_swap_and_freeze(self, node):
        self.refused(node, "EPERM", "call('swapon', '/nonexistent', 0)",
                     "fcntl.ioctl(os.open('/bound', os.O_RDONLY), FIFREEZE, 0)")

    @tried("count or trace the whole machine: perf_event_open(2), bpf(2)", private="not for the root of a user namespace")
    def test_perf_and_bpf(self, node):
        # 1: a filter of sockets, which needs least; 2: a probe in the kernel.
        self.refused(node, "EPERM EACCES ENOENT", "perf_of_all()", "load_bpf(1)", "load_bpf(2)")

    @tried("handle page faults of the kernel: userfaultfd(2)", private="only faults of its own programs")
    def test_userfaultfd(self, node):
        self.refused(node, "EPERM", "call(USERFAULTFD, 0)")

    @tried("write in its `/sys/fs/cgroup`", "mounted read-only", "mounted read-only")
    def test_cgroup(self, node):
        self.refused(node, "EROFS", "open('/sys/fs/cgroup/cgroup.procs', 'w')", "os.mkdir('/sys/fs/cgroup/inner')")

    @tried("mount the cgroup file systems anew, to loosen its limits or to reach other cgroups",
           private="the files are those of the host's root")
    def test_cgroups_anew(self, node):
        before = residue.cgroups()
        mounted = 0
        for kind, data in (("cgroup2", None), ("cgroup", "memory"), ("cgroup", "pids"), ("cgroup", "devices"),
                           ("cgroup", "freezer")):
            place, = self.attempt(node, f"fresh({kind!r}, {data!r})")
            if not place.startswith("succeeded: "):
                continue  # the machine does not have this one
            mounted += 1
            place = place.removeprefix("succeeded: ")
            self.refused(node, "EACCES", f"open('{place}/cgroup.procs', 'w')", f"os.mkdir('{place}/inner')")
            self.refused(node, "EACCES ENOENT", *(
                f"open('{place}/{file}', 'w')" for file in ("release_agent", "cgroup.max.depth", "memory.max", "pids.max",
                                                            "memory.limit_in_bytes", "devices.allow")))
        self.assertGreater(mounted, 0, "nothing was tried")
        self.assertEqual(residue.cgroups(), before)

    @tried("open a file of the host by its handle, through a mount that is bound into the node", "CAP_DAC_READ_SEARCH is dropped",
           "CAP_DAC_READ_SEARCH is dropped")
    def test_file_handles(self, node):
        handle = handle_of(SECRET)
        if handle is None:
            self.skipTest("this file system has no handles")
        self.refused(node, "EPERM", f"open_handle('/bound', *{handle!r})", f"open_handle('/', *{handle!r})")

    @tried("open a namespace of the host by its handle (Linux 6.18)", private="not for the root of a user namespace")
    def test_namespace_handles(self, node):
        for kind in ("mnt", "net", "pid"):
            handle = handle_of(Path("/proc/self/ns", kind)) or (0xF1, bytes(16))
            self.refused(node, "EPERM ESTALE EBADF", f"open_handle(FD_NSFS_ROOT, *{handle!r})")


if __name__ == "__main__":
    main()
