"""A sandbox for each case, within that of the harness, at the price of a fork.

run() forks a process for each case, with network, mounts, processes, IPC objects
and host name of its own, and hands on what it returns. What a case leaves behind
ends with it; its cgroup is removed when its last process has gone.
"""

import ctypes
import json
import os
import selectors
import signal
import sys
import time
import traceback
from pathlib import Path

import sandbox

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # mnt uts ipc pid net
MS_NOSUID, MS_REC, MS_PRIVATE, MS_SHARED = 2, 0x4000, 0x40000, 0x100000
PATIENCE = 240  # of a case: what takes longer hangs

BROKEN = "the harness: "  # how the failure begins that is not the program's


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind, flags=0):
    check(LIBC.mount(source, target.encode(), kind, flags, None), f"mounting {target}")


def furnish():
    """A host: mounts shared as systemd leaves them, an empty /run, a loopback that is up."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(b"proc", "/proc", b"proc")
    for directory in ("/run", *sandbox.own_directories()):
        mount(b"nslab-test", directory, b"tmpfs", MS_NOSUID)
    mount(None, "/", None, MS_REC | MS_SHARED)
    Path("/run/mount").mkdir()
    Path(sandbox.FILES).mkdir()
    os.system("ip link set lo up")


def reap_until(child):
    """As PID 1: until the case has ended. The kernel then ends all else."""
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def enter_and_run(work, case, output):
    check(LIBC.unshare(NEW_NAMESPACES), "unshare")
    first = os.fork()
    if first != 0:
        os.close(output)
        _, status = os.waitpid(first, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xff)
    LIBC.prctl(1, signal.SIGKILL)  # it ends with the harness
    runner = os.fork()
    if runner != 0:
        os.close(output)
        os.setsid()
        reap_until(runner)
    try:
        furnish()
        answer = work(case)
    except AssertionError as failure:
        answer = {"failures": [str(failure)]}
    except BaseException:
        answer = {"failures": [BROKEN + traceback.format_exc()]}
    with os.fdopen(output, "w") as stream:
        json.dump(answer, stream)
    os._exit(0)


class Running:
    """A case under way."""

    def __init__(self, work, case, number):
        self.case = case
        # The harness's number last: sandbox.py removes what is left of one that was killed.
        self.cgroup = f"nslab-test-cell{number}-{os.environ[sandbox.PARENT].rsplit('-', 1)[1]}"
        self.started = time.monotonic()
        self.text = b""
        self.output, theirs = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.environ[sandbox.PARENT] = self.cgroup
            os.close(self.output)
            enter_and_run(work, case, theirs)
        os.close(theirs)

    def read(self):
        """False at the end."""
        block = os.read(self.output, 1 << 16)
        self.text += block
        return bool(block)

    def end(self, late):
        if late:
            os.kill(self.pid, signal.SIGKILL)  # with it goes all of its PID namespace
            while self.read():
                pass
        os.waitpid(self.pid, 0)
        os.close(self.output)
        sandbox.remove_cgroups(self.cgroup)
        if late:
            return {"failures": ["no end in time"]}
        return json.loads(self.text) if self.text else {"failures": ["the case ended without an answer"]}


def run(work, cases, jobs, patience=PATIENCE):
    """Yields (case, answer) of work(case) for each, as they end."""
    waiting = list(reversed(list(cases)))
    selector = selectors.DefaultSelector()
    number = 0
    while waiting or selector.get_map():
        while waiting and len(selector.get_map()) < jobs:
            number += 1
            running = Running(work, waiting.pop(), number)
            selector.register(running.output, selectors.EVENT_READ, running)
        ready = {key.data for key, _ in selector.select(1)}
        for key in list(selector.get_map().values()):
            running = key.data
            late = time.monotonic() - running.started > patience
            if late or (running in ready and not running.read()):
                selector.unregister(running.output)
                yield running.case, running.end(late)


def only(work, case=None):
    """One answer."""
    ((_, answer),) = run(work, [case], 1)
    return answer
