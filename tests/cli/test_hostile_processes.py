"""What a hostile program in a node tries on processes: those of the host, and nslab's own."""

import contextlib
import ctypes
import fcntl
import json
import os
import pty
import re
import subprocess
import termios
import unittest
from pathlib import Path

import hostile
from hostile import SECRET, tried
from nslab_test import FILES, NSLAB, eventually, killed_at_the_end, lab_file, main, nslab, run, succeed

KEYCTL, ADD_KEY = (219, 217) if os.uname().machine == "aarch64" else (250, 248)
KEYCTL_JOIN_SESSION_KEYRING, SESSION_KEYRING = 1, -3

OWN_PIDS = "it has a PID namespace of its own"
NOTHING_PASSED = "no descriptor of the host is passed on"


@contextlib.contextmanager
def canary():
    """A process of the host."""
    with killed_at_the_end(subprocess.Popen(["sleep", "1000"], start_new_session=True)) as process:
        yield process


def descriptors(pid):
    """{number: what it leads to}"""
    found = {}
    for path in Path("/proc", str(pid), "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(path.name)] = os.readlink(path)
    return found


def join_session_with_key(name):
    """A session keyring of this process and its children, with a key in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        return False
    return libc.syscall(ADD_KEY, b"user", name.encode(), b"secret", 6, SESSION_KEYRING) > 0


# A job that looks for a key.
SERVICE = f"""
  files:
    /attempts.py: {json.dumps(hostile.ATTEMPTS)}
  services:
    keys:
      command: [python3, /attempts.py, "search_key(SESSION_KEYRING, 'nslab-secret')"]
      once: true
"""


class Processes(hostile.HostileTest):
    heading = "Processes"
    text = hostile.LAB.replace("\n  services:\n", SERVICE, 1)

    @classmethod
    def setUpClass(cls):
        cls.has_keys = join_session_with_key("nslab-secret")
        cls.handed_down = os.open(FILES, os.O_RDONLY | os.O_DIRECTORY)
        os.set_inheritable(cls.handed_down, True)
        cls.up_options = {"pass_fds": [cls.handed_down]}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        os.close(cls.handed_down)

    @tried("see the host's processes", OWN_PIDS, OWN_PIDS)
    def test_sight(self, node):
        with canary() as process:
            seen, = self.attempt(node, "list(open(f'/proc/{pid}/cmdline').read() for pid in os.listdir('/proc') if pid.isdigit())")
            self.assertNotIn("1000", seen)
            self.assertLess(len(re.findall("'[^']+'", seen)), 8, seen)

    @tried("signal the host's processes", OWN_PIDS, OWN_PIDS)
    def test_signals(self, node):
        with canary() as process:
            # Whom a number names in the node is not whom it names here, if it names anybody.
            self.attempt(node, f"os.kill({process.pid}, signal.SIGKILL)")
            self.running.exec(node, "/usr/bin/python3", "-c", "import os; os.kill(-1, 9)")
            self.assertIsNone(process.poll(), "the host's process was killed")
        self.assertEqual(self.running.node_status(node)["state"], "up")
        succeed(nslab("up", lab_file(self.text, "hostile")))  # its service was killed, by rights

    @tried("find the host's files behind `/proc/1/root`, `..`, chroot(2)", "the old root is unmounted", "the old root is unmounted")
    def test_ways_out_of_the_root(self, node):
        escape = "(os.makedirs('/tmp/jail', exist_ok=True), os.chroot('/tmp/jail'), " \
                 f"[os.chdir('..') for _ in range(64)], os.chroot('.'), open('{SECRET}'))"
        self.refused(node, "ENOENT EACCES", f"open('/proc/1/root{SECRET}')", f"open('/proc/1/cwd{SECRET}')",
                     f"open('/..' * 64 + '{SECRET}')", f"in_child(lambda: {escape})")

    @tried("unmount its root, and find below it what was there before", "an empty file system was",
           "the mounts are locked: they are the host's making")
    def test_what_is_below_the_root(self, node):
        escape = f"(call('unshare', CLONE_NEWNS), files.append(os.open('/proc/self/ns/mnt', os.O_RDONLY)), " \
                 f"call('umount2', '/', MNT_DETACH), call('setns', files[0], CLONE_NEWNS), " \
                 f"open(next((path for path in ('{SECRET}', '/host{SECRET}') if os.path.exists(path)), '{SECRET}')))"
        self.refused(node, "ENOENT EINVAL", f"(lambda files: in_child(lambda: {escape}))([])")

    @tried("see the host's mounts in `/proc/self/mountinfo`", "it has a mount namespace of its own",
           "it has a mount namespace of its own")
    def test_mounts(self, node):
        seen = self.running.read(node, "cat", "/proc/self/mountinfo").splitlines()
        targets = {line.split()[4] for line in seen}
        own = ("/", "/proc", "/sys", "/dev", "/run", "/tmp", "/bound", "/bound-ro", "/proc/", "/sys/", "/dev/")
        here = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        layers = {target for target in targets if target not in own and not target.startswith(("/proc/", "/sys/", "/dev/"))}
        self.assertTrue(layers <= here, "only layers over the host's own file systems")
        for line in seen:
            fields = line.split()
            kind = fields[fields.index("-") + 1]
            self.assertIn(kind, ("overlay", "proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "mqueue", "cgroup2"), line)
        self.assertNotIn(str(FILES), " ".join(targets))

    @tried("find a descriptor of the host in what `exec` starts", NOTHING_PASSED, NOTHING_PASSED)
    def test_descriptors_of_exec(self, node):
        seen, = self.attempt(node, "{fd: os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')"
                                   " if os.path.exists(f'/proc/self/fd/{fd}')}", pass_fds=[self.handed_down])
        self.assertEqual(set(re.findall(r"'(\d+)':", seen)) - {"3"}, {"0", "1", "2"}, seen)  # 3: of listing them
        self.assertEqual(set(re.findall(r": '(\w+):", seen)) - {"pipe"}, set(), seen)

    @tried("find one in a service, or in the node's init", NOTHING_PASSED, NOTHING_PASSED)
    def test_descriptors_of_services(self, node):
        init = self.running.init(node)
        allowed = r"/dev/null|(pipe|socket):\[\d+\]|anon_inode:\[\w+\]"
        spaces = r"cgroup:\[\d+\]"  # of its services, which show no more than theirs do
        for pid in set(self.running.processes(node)) - {init}:
            for number, target in descriptors(pid).items():
                self.assertRegex(target, rf"^({allowed})$", (pid, number))
        logs = f"/run/nslab/hostile/log/{node}"
        for number, target in descriptors(init).items():
            self.assertRegex(target, rf"^({allowed}|{spaces}|{re.escape(logs)}/(idle|keys|@syslog)\.log)$", number)
        self.assertIn(f"{logs}/idle.log", descriptors(init).values())

    @tried("read or trace its init: ptrace(2), `/proc/1/mem`, `/proc/1/fd`", private="the init belongs to the host's users")
    def test_trace_the_init(self, node):
        self.refused(node, "EPERM EACCES", "call('ptrace', PTRACE_SEIZE, 1, 0, 0)", "open('/proc/1/mem', 'rb')",
                     "os.listdir('/proc/1/fd')", "os.readlink('/proc/1/exe')", "os.listdir('/proc/1/map_files')")

    @tried("overwrite the program of its init: `/proc/1/exe` (as in CVE-2019-5736)", "it runs from a sealed memory file",
           "it runs from a sealed memory file")
    def test_overwrite_the_init(self, node):
        self.refused(node, "ETXTBSY EPERM EACCES", "overwrite_program('/proc/1/exe')", "os.truncate('/proc/1/exe', 0)")

    @tried("be entered by `exec` in a way that shows nslab's own program (CVE-2019-5736)",
           "what enters is a small program in a sealed memory file", "what enters is a small program in a sealed memory file")
    def test_overwrite_exec(self, node):
        """A script whose interpreter is whatever executes it: it would be nslab."""
        self.running.shell(node, "printf '#!/proc/self/exe --version\\n' >/tmp/script; chmod +x /tmp/script")
        version = succeed(nslab("--version")).text
        result = self.running.exec(node, "/tmp/script")
        self.assertNotIn(version, result.out, str(result))
        self.assertIn("init of nslab's nodes", result.err, str(result))

    @tried("find nslab's program or its libraries in a process that `exec` starts, before it is the command",
           "what enters is a small program in a sealed memory file", "what enters is a small program in a sealed memory file")
    def test_maps_of_exec(self, node):
        """The process that forks the command has become the sealed program before."""
        trace = FILES / "trace"
        succeed(run("strace", "-f", "-y", "-e", "trace=clone,clone3,fork,vfork,execve,execveat,setns,openat,mmap", "-o", trace,
                    NSLAB, "exec", f"hostile/{node}", "--", "/bin/true"))
        lines = trace.read_text().splitlines()
        last = [line for line in lines if re.search(r'execve\("/bin/true"', line)]
        self.assertEqual(len(last), 1, lines[-20:])
        process = last[0].split()[0]
        makers = [line.split()[0] for line in lines if re.search(rf"(clone3?|v?fork)\(.*= {process}\b", line)]
        makers += [line.split()[0] for line in lines if re.search(rf"(clone3?|v?fork) resumed.*= {process}\b", line)]
        self.assertEqual(len(makers), 1, lines[-20:])
        program = [line for line in lines if line.split()[0] == makers[0] and "execve" in line]
        self.assertEqual(len(program), 1, "its parent has become another program before")
        self.assertIn("memfd:nslab-init", program[0])

    @tried("find keys of whoever called nslab in the session keyring", "processes of nodes begin with an empty one",
           "processes of nodes begin with an empty one")
    def test_keys(self, node):
        if not self.has_keys:
            self.skipTest("this kernel has no keyrings")
        self.refused(node, "ENOKEY", "search_key(SESSION_KEYRING, 'nslab-secret')")
        log = eventually(lambda: nslab("logs", f"hostile/{node}", "keys").text, "the service has looked")
        self.assertIn("ENOKEY", log)

    @tried("type into the terminal of whoever called `exec` or `shell`: TIOCSTI", "it has a terminal of the node's own",
           "it has a terminal of the node's own")
    def test_terminal(self, node):
        master, slave = pty.openpty()
        try:
            result = subprocess.Popen(
                [NSLAB, "exec", f"hostile/{node}", "--", "/usr/bin/python3", "-c",
                 "import fcntl, os, termios\n"
                 "print(os.ttyname(0), os.listdir('/dev/pts'))\n"
                 "[fcntl.ioctl(0, termios.TIOCSTI, bytes([each])) for each in b'typed']\n"],
                stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
            with killed_at_the_end(result):
                result.wait(30)
                shown = os.read(master, 65536).decode()
            self.assertIn("/dev/pts/0 ", shown)
            self.assertIn("['0', 'ptmx']", shown.replace("['ptmx', '0']", "['0', 'ptmx']"), shown)
            mode = termios.tcgetattr(slave)
            mode[3] &= ~termios.ICANON
            termios.tcsetattr(slave, termios.TCSANOW, mode)
            waiting = int.from_bytes(fcntl.ioctl(slave, termios.FIONREAD, bytes(4)), "little")
            self.assertEqual(waiting, 0, "somebody typed")
        finally:
            os.close(master)
            os.close(slave)

    @tried("leave for the host's namespaces: setns(2), `/proc/*/ns`, `/run/netns`, NS_GET_PARENT", "there is no handle of any of them",
           "there is no handle of any of them")
    def test_namespaces(self, node):
        kinds = ("mnt", "net", "pid", "uts", "ipc", "cgroup") + (("user",) if node == "private" else ())
        here = {os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
        seen, = self.attempt(node, "{os.readlink(f'/proc/{pid}/ns/{kind}') for pid in os.listdir('/proc') if pid.isdigit()"
                                   f" and pid != '1' for kind in {kinds!r}}}")
        found = set(re.findall(r"\w+:\[\d+\]", seen))
        self.assertGreaterEqual(len(found), len(kinds))
        self.assertEqual(found & here, set())
        self.refused(node, "ENOENT", "os.listdir('/run/netns')", "os.listdir('/run/nslab')")
        self.refused(node, "EPERM", *(f"fcntl.ioctl(os.open('/proc/self/ns/{kind}', 0), NS_GET_PARENT)"
                                      for kind in ("pid", "user")))

    @tried("uncover what the node's own mounts cover", private="the mounts are locked: they are the host's making")
    def test_uncover(self, node):
        self.refused(node, "EINVAL", "call('umount2', '/run', 0)", "call('umount2', '/tmp', MNT_DETACH)",
                     "call('umount2', '/proc', MNT_DETACH)",
                     "in_new_user_namespace(CLONE_NEWNS, lambda: call('umount2', '/run', MNT_DETACH))")

    @tried("find the host's System V and POSIX IPC objects", "it has an IPC namespace of its own", "it has an IPC namespace of its own")
    def test_ipc(self, node):
        made = succeed(run("ipcmk", "-Q")).text.split()[-1]
        shared = Path("/dev/shm", f"nslab-hostile-{os.getpid()}")
        shared.write_text("")
        try:
            key = next(line.split()[0] for line in succeed(run("ipcs", "-q")).out.splitlines()
                       if line.split()[1:2] == [made])
            self.refused(node, "ENOENT", f"call('msgget', {int(key, 16)}, 0)", f"open('{shared}')")
        finally:
            succeed(run("ipcrm", "-q", made))
            shared.unlink()


if __name__ == "__main__":
    main()
