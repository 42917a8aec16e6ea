"""A sandbox of namespaces of its own for a test file.

The file starts itself again under unshare(1): own network, mounts, processes,
IPC objects and host name, a tmpfs on /run and where programs leave files, mounts
shared among themselves as systemd leaves them. Whatever a test leaves behind ends with its sandbox; only
cgroups do not, so that they have a parent of their own, removed at the end.
"""

import atexit
import os
import sys
from pathlib import Path

MARK = "NSLAB_TEST_SANDBOX"
PARENT = "NSLAB_CGROUP_PARENT"
FILES = "/run/lab-files"  # what the tests themselves write

CHECKOUT = Path(__file__).resolve().parents[2]
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")

# PID 1 of the sandbox reaps orphans, as that of a host does. The first word says where
# it gets a directory of its own.
START = """
for directory in /run $1; do
  mount -t tmpfs -o mode=1777 nslab-test $directory || exit 77
done
shift
mount --make-rshared / || exit 77
mkdir -p /run/mount # where mount(8) keeps its notes
ip link set lo up && hostname sandbox || exit 77
/usr/bin/python3 "$@"
status=$?
exit $status
"""


def own_directories():
    """Those where programs leave files, unless what is tested lies there: it has to be seen."""
    needed = [CHECKOUT, Path.cwd(), Path(sys.argv[0]).resolve()]
    needed += [Path(os.environ[name]).resolve() for name in ("NSLAB", "NSLAB_INJECT") if name in os.environ]
    return [each for each in SCRATCH if Path(each).is_dir()
            and not any(path.is_relative_to(each) for path in needed)]


def cgroup_roots():
    """The mount points of every cgroup hierarchy."""
    roots = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        kind = fields[fields.index("-") + 1]
        if kind in ("cgroup", "cgroup2"):
            roots.append(Path(fields[4]))
    return roots


def remove_cgroups(name):
    for root in cgroup_roots():
        for directory, _, _ in os.walk(root / name, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass  # still in use: the next sandbox tries again


def remove_stale_cgroups():
    """Of sandboxes that were killed: their names hold the process that they were."""
    for root in cgroup_roots():
        for directory in root.glob("nslab-test-*"):
            if not Path("/proc", directory.name.rsplit("-", 1)[1]).exists():
                remove_cgroups(directory.name)


def cannot(why):
    """Ends a test that cannot run here: skipped, or failed where it has to run."""
    print(f"cannot run: {why}", file=sys.stderr)
    sys.exit(1 if os.environ.get("NSLAB_TESTS_MUST_RUN") == "1" else 77)


def enter():
    """Returns in the sandbox only."""
    if os.environ.get(MARK):
        atexit.register(remove_cgroups, os.environ[PARENT])
        return
    if os.geteuid() != 0:
        cannot("namespaces and cgroups need root")
    remove_stale_cgroups()
    os.environ[MARK] = "1"
    os.environ[PARENT] = f"nslab-test-{os.getpid()}"
    os.environ.pop("NSLAB_STATE_DIR", None)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--ipc", "--uts",
                          "--kill-child", "--mount-proc", "--propagation", "private", "--",
                          "bash", "-c", START, "sandbox", " ".join(own_directories()), *sys.argv])
