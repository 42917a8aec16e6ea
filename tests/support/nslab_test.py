"""End-to-end tests of the nslab program ($NSLAB), on unittest.

A test file begins with `from nslab_test import ...`, which puts it into a
sandbox (see sandbox.py), and ends with main(). What is true of the kernel is
read from the kernel, not from what nslab says of itself.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import sandbox

sandbox.enter()
# A script's background job ignores it, and so would every nslab that these tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

import residue  # noqa: E402  (needs the sandbox)
from features import needs  # noqa: E402,F401  (tried in the sandbox)

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "labs"
NSLAB = os.environ.get("NSLAB", str(ROOT / "build/release/src/nslab"))
FILES = Path(sandbox.FILES)
FILES.mkdir(exist_ok=True)

unittest.util._MAX_LENGTH = 2000  # whole outputs in messages

# A program in a node that is killed by signal N exits with this.
def killed_by(number):
    return 128 + int(number)


class Result:
    """How a program ended, and what it printed."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    @property
    def text(self):
        return self.out.strip()

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return (f"{' '.join(map(str, self.command))}\nexit status {self.code}\n"
                f"--- stdout\n{self.out}\n--- stderr\n{self.err}")


def run(*command, input=None, env=None, timeout=120, binary=False, **options):
    """Runs a program to its end. `env` adds to the environment; None removes."""
    environment = {**os.environ, **(env or {})}
    environment = {key: value for key, value in environment.items() if value is not None}
    where = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, env=environment,
                              timeout=timeout, text=not binary, **where, **options)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"no end after {timeout} s: {' '.join(map(str, command))}\n"
                             f"{late.stdout}\n{late.stderr}") from None
    return Result(command, done.returncode, done.stdout, done.stderr)


def nslab(*arguments, **options):
    return run(NSLAB, *arguments, **options)


def succeed(result):
    """The result, which has to be that of a program that ended with 0."""
    if result.code != 0:
        raise AssertionError(f"failed: {result}")
    return result


@contextlib.contextmanager
def killed_at_the_end(process):
    """A child that does not outlive the block, however it ends."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def eventually(probe, what, seconds=60.0):
    """The first true value of probe(): for what others do in their own time."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s: {what}")
        time.sleep(0.01)


def lab_file(text, name=None):
    """A lab file of this text, outside every lab; called as its lab, which another file may not replace."""
    names = [line.split(":")[1].strip() for line in text.splitlines() if line.startswith("name:")]
    path = FILES / f"{name or (names or ['lab'])[0]}.yaml"
    path.write_text(text)
    return path


def start_time(pid):
    stat = Path("/proc", str(pid), "stat").read_text()
    return int(stat[stat.rindex(")") + 2:].split()[19])


class Lab:
    """A lab that runs, as its users and as the kernel see it."""

    def __init__(self, name):
        self.name = name

    # As its users see it.

    def exec(self, node, *command, **options):
        return nslab("exec", f"{self.name}/{node}", "--", *command, **options)

    def read(self, node, *command, **options):
        """What a command in the node prints; it has to succeed."""
        return succeed(self.exec(node, *command, **options)).text

    def shell(self, node, script, **options):
        return self.read(node, "sh", "-c", script, **options)

    def up(self, text):
        """Brings the lab to another text of its file."""
        return succeed(nslab("up", lab_file(text, self.name)))

    def status(self):
        return succeed(nslab("status", self.name, "--json")).json

    def node_status(self, node):
        return next(each for each in self.status()["nodes"] if each["name"] == node)

    def service_status(self, node, service):
        return next(each for each in self.node_status(node)["services"] if each["name"] == service)

    # As the kernel sees it.

    def netns(self, node):
        return f"/run/netns/{self.name}.{node}"

    def cgroup(self, node):
        """The node's directory in the hierarchy that holds its processes: version 2, else that of pids."""
        roots = sandbox.cgroup_roots()
        root = next((root for root in roots if (root / "cgroup.controllers").exists()), None)
        root = root or next(root for root in roots if "pids" in root.name.split(","))
        return root / os.environ[sandbox.PARENT] / self.name / node

    def limit(self, node, name):
        """A limit as the kernel has it, on either version; None where there is none."""
        def content(file):
            for root in sandbox.cgroup_roots():
                path = root / os.environ[sandbox.PARENT] / self.name / node / file
                if path.exists():
                    return path.read_text().strip()
            return None

        def number(text):
            return None if text in (None, "max", "-1") or int(text) > 1 << 60 else int(text)

        if name == "cpus":
            quota, period = (content("cpu.max") or "max 1").split()
            if content("cpu.cfs_quota_us"):
                quota, period = content("cpu.cfs_quota_us"), content("cpu.cfs_period_us")
            return None if number(quota) is None else int(quota) / int(period)
        if name == "cpuset":
            return content("cpuset.cpus")
        old = {"memory": "memory.limit_in_bytes", "pids": "pids.max"}[name]
        new = {"memory": "memory.max", "pids": "pids.max"}[name]
        return number(content(new) or content(old))

    def processes(self, node):
        return [int(pid) for pid in (self.cgroup(node) / "cgroup.procs").read_text().split()]

    def init(self, node):
        """The node's first process: in its own PID namespace number 1."""
        pids = self.processes(node)
        if not pids:
            return None
        return min(pids, key=lambda pid: (start_time(pid), pid))

    def services(self, node):
        """{command line: process} of the children of the node's init."""
        init = self.init(node)
        found = {}
        for pid in self.processes(node):
            stat = Path("/proc", str(pid), "stat").read_text()
            if residue.process_name(stat)[2] == init:
                command = Path("/proc", str(pid), "cmdline").read_bytes()
                found[command.rstrip(b"\0").replace(b"\0", b" ").decode()] = pid
        return found

    def links(self, node):
        """{interface: index} in the node's network namespace; nothing where it has none of its own."""
        if not os.path.exists(self.netns(node)):
            return {}
        return {link["ifname"]: link["ifindex"]
                for link in residue.ip("-n", f"{self.name}.{node}", "link") if link["ifname"] != "lo"}

    def identity(self, node):
        """What a restart, or a new cable, would change."""
        return {"init": self.init(node), "services": self.services(node), "links": self.links(node)}


class NslabTest(unittest.TestCase):
    def expect(self, result, code, err=None, out=None):
        """The exit status, and words of the output, of a command."""
        self.assertEqual(result.code, code, str(result))
        for words in [err] if isinstance(err, str) else err or []:
            self.assertIn(words, result.err, str(result))
        for words in [out] if isinstance(out, str) else out or []:
            self.assertIn(words, result.out, str(result))
        return result

    def assert_no_residue(self, before):
        found = residue.settled(before)
        self.assertEqual(found, [], "left behind:\n" + "\n".join(found))

    @contextlib.contextmanager
    def lab(self, file, *options):
        """The lab of a file or a text is up in the block, and leaves nothing after it."""
        file = file if isinstance(file, Path) else lab_file(file)
        before = residue.snapshot()
        with take_down_on_failure():
            lab = bring_up(file, *options)
            yield lab
            succeed(nslab("down", lab.name))
        self.assert_no_residue(before)

    # What plan says.

    def plan(self, file):
        """[(action, id)] of what `up` would do, sorted."""
        plan = succeed(nslab("plan", file, "--json")).json
        return sorted((step["action"], step["id"]) for step in plan["steps"])

    def assert_nothing_to_do(self, file):
        self.expect(nslab("plan", file, "--check"), 0)
        self.assertEqual(self.plan(file), [])


def lab_name(file):
    for line in Path(file).read_text().splitlines():
        if line.startswith("name:"):
            return line.split(":")[1].strip()
    return Path(file).stem


def bring_up(file, *options):
    succeed(nslab("up", file, *options))
    return Lab(lab_name(file))


@contextlib.contextmanager
def take_down_on_failure():
    """So that one failure is not also the next test's."""
    try:
        yield
    except BaseException:
        nslab("down", "--all", "--yes")
        raise


class LabTest(NslabTest):
    """Tests that share one lab of labs/, and the claims that hold for every lab."""

    file = None

    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        with take_down_on_failure():
            cls.running = bring_up(cls.file)

    @classmethod
    def tearDownClass(cls):
        with take_down_on_failure():
            succeed(nslab("down", cls.running.name))
        found = residue.settled(cls.before)
        if found:
            raise AssertionError("left behind:\n" + "\n".join(found))

    def node_names(self):
        return [node["name"] for node in self.running.status()["nodes"]]

    def claim_up_again_does_nothing(self):
        before = {node: self.running.identity(node) for node in self.node_names()}
        self.assertTrue(before)
        self.assert_nothing_to_do(self.file)
        result = self.expect(nslab("up", self.file), 0)
        self.assertIn("nothing to do", result.out + result.err)
        after = {node: self.running.identity(node) for node in self.node_names()}
        self.assertEqual(before, after)

    def claim_status_is_whole(self):
        status = self.running.status()
        self.assertEqual(status["lab"], self.running.name)
        for node in status["nodes"]:
            self.assertEqual(node["state"], "up", node)
            self.assertEqual(node["pid"], self.running.init(node["name"]), node)
            for service in node["services"]:
                self.assertIn(service["state"], ("ready", "running"), node)
        self.assertFalse(status["drift"] and status["drift"]["steps"], status["drift"])
        self.expect(nslab("status", self.running.name, "--check"), 0)
        for cable in status["cables"]:
            self.assertTrue(cable["a"]["carrier"] and cable["b"]["carrier"], cable)

    def claim_ls_knows_it(self):
        self.assertIn(self.running.name, succeed(nslab("ls")).out)
        labs = succeed(nslab("ls", "--json")).json
        self.assertIn(self.running.name, json.dumps(labs))

    def test_claims_of_every_lab(self):
        for claim in (self.claim_up_again_does_nothing, self.claim_status_is_whole,
                      self.claim_ls_knows_it):
            with self.subTest(claim.__name__):
                claim()

    # What nodes see of each other.

    def ping(self, node, target, *options, count=1):
        """The time to live of the reply; None when there was none."""
        result = self.running.exec(node, "ping", "-n", "-c", str(count), "-W", "1", *options, target)
        if result.code != 0:
            return None
        return int(next(word for word in result.out.split() if word.startswith("ttl=")).split("=")[1])

    def fetch(self, node, url, seconds=5):
        return self.running.exec(node, "curl", "-s", "--max-time", str(seconds), url)


class Loader(unittest.TestLoader):
    """Leaves out what is only there to be derived from."""

    def loadTestsFromTestCase(self, case):
        return unittest.TestSuite() if case in (NslabTest, LabTest) else super().loadTestsFromTestCase(case)


def main():
    """Exits with 77, "skipped", when every test of the file is for another kernel."""
    result = unittest.main(verbosity=2, testLoader=Loader(), exit=False).result
    if result.wasSuccessful() and result.skipped and len(result.skipped) == result.testsRun:
        raise SystemExit(77)
    raise SystemExit(not result.wasSuccessful())
