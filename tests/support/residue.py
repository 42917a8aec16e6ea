"""What a lab can leave behind on a host, class by class.

snapshot() looks at everything that it knows; remains() compares two snapshots
and names each object that is new, changed or missing. A namespace dies some
time after its last user, so that settled() looks again until a bound.
"""

import json
import os
import subprocess
import time
from pathlib import Path

from sandbox import cgroup_roots, FILES, PARENT, SCRATCH


def ip(*arguments):
    text = subprocess.run(["ip", "-j", *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(text) if text.strip() else []


def tree(directory):
    """Every path below, and the directory itself."""
    found = set()
    for path, directories, files in os.walk(directory):
        found.add(path)
        found.update(os.path.join(path, name) for name in files)
        found.update(os.path.join(path, name) for name in directories)
    return found


def names():
    directory = Path("/run/netns")
    return {str(path) for path in directory.iterdir()} if directory.is_dir() else set()


def mounts():
    """Of this process and of PID 1, counted: mounts can lie on one another."""
    found = set()
    for process in ("self", "1"):
        seen = {}
        for line in Path("/proc", process, "mountinfo").read_text().splitlines():
            fields = line.split()
            kind, source = fields[fields.index("-") + 1:][:2]
            mount = f"{process}: {kind} {source}{fields[3]} on {fields[4]}"
            seen[mount] = seen.get(mount, 0) + 1
        found.update(f"{mount} ({count})" for mount, count in seen.items())
    return found


def interfaces():
    return {f"{link['ifname']} ({link['ifindex']}) {' '.join(link['flags'])} mtu {link['mtu']} "
            f"{link.get('address')} {link.get('ifalias', '')}".strip() for link in ip("link")}


def addresses():
    return {f"{link['ifname']}: {each['local']}/{each['prefixlen']}"
            for link in ip("address") for each in link["addr_info"]}


def routes():
    found = set()
    for family in ("-4", "-6"):
        for route in ip(family, "route", "show", "table", "all"):
            found.add(f"{route.get('type', 'unicast')} {route['dst']} dev {route.get('dev')} "
                      f"table {route.get('table', 'main')}")
    return found


def rules():
    return {json.dumps(rule, sort_keys=True) for family in ("-4", "-6") for rule in ip(family, "rule")}


def namespace_ids():
    """Numbers that this network namespace has for others: held as long as they live."""
    return {f"{each['nsid']}" for each in ip("netns", "list-id")}


def namespaces():
    """Network namespaces that a process or a name holds, however nameless."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("net", "mnt", "pid", "uts", "ipc", "user", "cgroup", "time"):
            try:
                found.add(os.readlink(process / "ns" / kind))
            except OSError:
                pass  # it has ended
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - nsfs " in line:
            found.add(line.split()[3])
    return found


def sysctls():
    found = set()
    roots = [Path("/proc/sys/net/ipv4"), Path("/proc/sys/net/ipv6"), Path("/proc/sys/net/core")]
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    files += [path for pattern in ("msg*", "shm*", "sem", "hostname", "domainname")
              for path in Path("/proc/sys/kernel").glob(pattern)]
    for path in files:
        try:
            found.add(f"{path} = {path.read_text().strip()}")
        except OSError:
            pass  # write only
    return found


def process_name(stat):
    """Name, state and parent from a line of /proc/PID/stat."""
    name = stat[stat.index("(") + 1:stat.rindex(")")]
    state, parent = stat[stat.rindex(")") + 2:].split()[:2]
    return name, state, int(parent)


def processes():
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            name, state, _ = process_name((directory / "stat").read_text())
        except OSError:
            continue
        if int(directory.name) != os.getpid():
            found.add(f"{directory.name} {name}{' (zombie)' if state == 'Z' else ''}")
    return found


def cgroups():
    found = set()
    for root in cgroup_roots():
        if (root / os.environ[PARENT]).exists():
            found.update(path for path in tree(root / os.environ[PARENT]) if os.path.isdir(path))
    return found


def files():
    """But for those of the tests themselves."""
    found = {path for path in tree("/run") if not path.startswith(FILES)}
    for directory in SCRATCH:
        found.update(str(path) for path in Path(directory).glob("*nslab*"))
    return found


def sockets():
    """Unix sockets without a file."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return {line.split()[-1] for line in lines if line.split()[-1].startswith("@")}


def ipc_objects():
    found = set()
    for kind in ("msg", "sem", "shm"):
        for line in Path("/proc/sysvipc", kind).read_text().splitlines()[1:]:
            found.add(f"{kind} {line.split()[1]}")
    return found


CLASSES = {
    "name": names,
    "mount": mounts,
    "interface": interfaces,
    "address": addresses,
    "route": routes,
    "rule": rules,
    "namespace id": namespace_ids,
    "namespace": namespaces,
    "sysctl": sysctls,
    "process": processes,
    "cgroup": cgroups,
    "file": files,
    "socket": sockets,
    "IPC object": ipc_objects,
}


def snapshot():
    return {kind: look() for kind, look in CLASSES.items()}


def remains(before, after):
    """One line for each difference, its class first."""
    lines = []
    for kind in CLASSES:
        lines += [f"{kind}: {each}" for each in sorted(after[kind] - before[kind])]
        lines += [f"{kind} gone: {each}" for each in sorted(before[kind] - after[kind])]
    return lines


def settled(before, seconds=30.0):
    """What remains after at most so long: empty when the host is as it was."""
    deadline = time.monotonic() + seconds
    while True:
        found = remains(before, snapshot())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)
