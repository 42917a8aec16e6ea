"""Lanes about what else is on the host: others' commands, others' objects, people's hands."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import lab
from nslab_test import NSLAB, Lab, lab_file, nslab, residue, run, sandbox, succeed

# By its command and since when, or by its process where it has only just begun.
HELD = re.compile(r"is being changed by ('nslab (up|down)' \(pid \d+, since [\d:]+\)|process \d+)")


def cgroup_parent():
    root = next(root for root in sandbox.cgroup_roots() if (root / "cgroup.controllers").exists())
    return root, root / os.environ[sandbox.PARENT]


class Race:
    """Commands on one lab at once: one after the other or a refusal that names the other."""

    name = "race"

    def __init__(self, rounds=200):
        self.rounds = rounds

    def cases(self, _random):
        for number in range(self.rounds):
            yield (self.name, "ups" if number % 2 else "up-down", str(number))

    def run(self, case):
        before = residue.snapshot()
        file = lab.file()
        if case[1] == "ups":
            commands = [("up", file)] * 8
        else:
            succeed(lab.up())
            commands = [("up", file), ("down", lab.NAME)] * 4
        started = [subprocess.Popen([NSLAB, *map(str, words)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for words in commands]
        ends = [(process.communicate(timeout=2 * lab.PATIENCE), process.returncode) for process in started]
        failures = [f"exit status {code}: {err}" for (_, err), code in ends
                    if code != 0 and not (code == 1 and HELD.search(err))]
        won = [out for (out, _), code in ends if code == 0]
        if case[1] == "ups":
            made = [out for out in won if "is up" in out]
            if len(made) != 1:
                failures.append(f"{len(made)} made the lab: {ends}")
            failures += lab.whole("after the race")
        elif not won:
            failures.append(f"no command won: {ends}")
        elif succeed(nslab("ls", "--json")).json:
            failures += lab.whole("after the race")
        return {"failures": failures + lab.taken_down(before)}


def plant_names(number):
    """Where `ip netns` looks: namespaces, files and links that are named like the lab's."""
    names = Path("/run/netns")
    for i in range(number // 3):
        kind = ("crash.a{}", "crash-{}", "crash{}.b", "nslab.{}")[i % 4].format(i)
        if i % 8 == 0:
            succeed(run("ip", "netns", "add", kind))
        elif i % 2:
            (names / kind).touch()
        else:
            (names / kind).symlink_to(f"/run/nslab-{i}/crash/ns/a")


def plant_interfaces(number):
    """With nslab's group, its aliases and the names of the lab, in the host's own namespace."""
    lines = []
    for i in range(number // 6):
        name = ("crash.a{}", "eth{}", "nslab{}")[i % 3].format(i)
        lines += [f"link add {name} group {0x6e736c62} type bridge", f"link set {name} alias nslab:crash:a/eth0:a",
                  f"address add 10.1.{i}.1/30 dev {name}"]
    succeed(run("ip", "-batch", "-", input="\n".join(lines)))


def plant_cgroups(number):
    root, parent = cgroup_parent()
    stem, harness = parent.name.rsplit("-", 1)  # the number last, as sandbox.py wants it
    made = []
    for i in range(number // 6):
        path = root / f"{stem}{('-', '.', 'x')[i % 3]}{i}-{harness}/crash/a"
        path.mkdir(parents=True)
        made.append(path)
    return made


def plant_files(number):
    """Beside the state directory, in it, and mounts that are called as nslab's are."""
    for i in range(number // 3):
        path = (f"/run/nslab{i}/crash/nodes/a/init.sock", f"/run/nslab/.crash{i}", f"/run/nslab/crash{i}.txt",
                f"/run/nslab-init-{i}", f"/run/nslab/notes/{i}/precious")[i % 5]
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(str(i))
    for i in range(4):
        Path(f"/run/other{i}").mkdir()
        succeed(run("mount", "-t", "tmpfs", f"nslab:{('crash', 'else')[i % 2]}", f"/run/other{i}"))
        Path(f"/run/other{i}/ns").mkdir()


class Alike:
    """Look-alikes planted: none is touched by any command, whatever it says of them."""

    name = "alike"

    def __init__(self, number=500):
        self.number = number

    def cases(self, _random):
        yield (self.name, str(self.number))

    def run(self, case):
        number = int(case[1])
        Path("/run/netns").mkdir()
        plant_names(number)
        plant_interfaces(number)
        made = plant_cgroups(number)
        plant_files(number)
        before = residue.snapshot()
        cgroups = self.look(made)
        failures = []
        for words in (("plan", lab.file()), ("up", lab.file()), ("status", lab.NAME), ("down", lab.NAME),
                      ("down", lab.NAME), ("prune", "--yes"), ("down", "--all")):
            result = lab.command(*words)
            if lab.crashed(result) or (result.code != 0 and words[0] in ("plan", "up")):
                failures += lab.wrong("in spite of look-alikes", result)
        failures += lab.nothing_left(before, "by commands that had nothing to do with it")
        if self.look(made) != cgroups:
            failures.append("cgroups of others were touched")
        for path in made:
            for each in (path, path.parent, path.parent.parent):
                each.rmdir()
        return {"failures": failures}

    @staticmethod
    def look(made):
        return {str(path): path.stat().st_ino for path in made if path.exists()}


RICH = """
name: crash
subnets: {net: 10.2.0.0/24}
nodes:
  a:
    interfaces: {eth0: net}
    limits: {pids: 50, cpu_weight: 50}
    sysctls: {net.ipv4.ip_forward: 1}
    files: {/etc/motd: "a\\n"}
    mounts: {/data: {tmpfs: 1M}}
    routes: [{to: 10.3.0.0/16, via: 10.2.0.2}]
    services: {sleeper: {command: [sleep, infinity]}}
  b:
    interfaces: {eth0: net}
    services: {sleeper: {command: [sleep, infinity]}}
links: [{ends: [a:eth1, b:eth1], subnet: 10.1.0.0/30}]
"""


def in_node(node, command):
    return lambda: succeed(nslab("exec", f"crash/{node}", "--", *command.split()))


def ip_in(netns, command):
    return lambda: succeed(run("ip", "-n", netns, *command.split()))


def kill(choose):
    def act():
        succeed(run("kill", "-KILL", choose(Lab("crash"))))
    return act


def remove(path):
    return lambda: Path(path).unlink()


def unmount(path):
    return lambda: succeed(run("umount", "-l", path))


# What is deleted by hand, how, and of which nodes the init or a service may be another after.
DELETIONS = {
    "cable": (ip_in("crash.a", "link del eth1"), ""),
    "port": (ip_in("crash.a", "link del eth0"), ""),
    "far-port": (ip_in("crash.b", "link del eth0"), ""),
    "bridge": (ip_in("crash", "link del net"), ""),
    "address": (ip_in("crash.a", "address flush dev eth1"), ""),
    "route": (ip_in("crash.a", "route del 10.3.0.0/16"), ""),
    "name": (remove("/run/netns/crash.a"), ""),
    "switch-name": (remove("/run/netns/crash"), ""),
    "netns": (unmount("/run/nslab/crash/ns/b"), ""),
    "switch-netns": (unmount("/run/nslab/crash/ns/@switch"), ""),
    "file": (in_node("a", "rm /etc/motd"), ""),
    "mount": (in_node("a", "umount /data"), ""),
    "sysctl-note": (lambda: shutil.rmtree("/run/nslab/crash/sysctl"), ""),
    "limits-note": (remove("/run/nslab/crash/limits/a"), ""),
    "hosts": (remove("/run/nslab/crash/base/etc/hosts"), ""),
    "log": (lambda: shutil.rmtree("/run/nslab/crash/log"), ""),
    "record": (remove("/run/nslab/crash.applied"), ""),
    "service": (kill(lambda it: it.services("a")["sleep infinity"]), "a"),
    "init": (kill(lambda it: it.init("a")), "a"),
    "socket": (remove("/run/nslab/crash/nodes/a/init.sock"), "a"),
    "everything": (lambda: cgroup_parent()[1].joinpath("crash/cgroup.kill").write_text("1"), "ab"),
    "names-mount": (unmount("/run/nslab/crash/ns"), "ab"),
    "lab-mount": (unmount("/run/nslab/crash"), "ab"),
}


class Mend:
    """Every object deleted by hand, one at a time: up restores it and touches no other node."""

    name = "mend"

    def cases(self, _random):
        for what in DELETIONS:
            yield (self.name, what)

    def run(self, case):
        before = residue.snapshot()
        file = lab_file(RICH, lab.NAME)
        succeed(nslab("up", file))
        delete, changing = DELETIONS[case[1]]
        identities = self.look()
        delete()
        failures = []
        result = lab.command("up", file)
        if result.code != 0:
            failures += lab.wrong("not mended", result)
        else:
            check = lab.command("plan", file, "--check")
            failures += lab.wrong("not whole after up", check) if check.code else []
            after = self.look()
            failures += [f"node {node} was touched: {identities[node]} -> {after[node]}" for node in "ab"
                         if node not in changing and identities[node] != after[node]]
        return {"failures": failures + lab.taken_down(before)}

    @staticmethod
    def look():
        return {node: {"init": Lab("crash").init(node), "services": Lab("crash").services(node)} for node in "ab"}
