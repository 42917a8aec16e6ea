"""What tests can need of a kernel, and whether this one has it: found by trying.

A test says what it needs once, on the class or the method:

    @needs("netem")
    class Delays(NslabTest):

Where a feature is missing the test is skipped, and handed to the next kernel
(see lanes.py).
"""

import functools
import os
import subprocess
import unittest
from pathlib import Path

# Tried in a network namespace of their own. A command that succeeds is a feature that is there.
TRIED = {
    "dummy": "ip link add name try type dummy",
    "netem": "tc qdisc add dev lo root netem delay 1ms",
    "vlan": "ip link add name try type bridge && ip link add name tagged link try type vlan id 2",
    "bridge-vlan": "ip link add name try type bridge vlan_filtering 1",
    "tunnels": "modprobe ipip",
    "sit": "ip link show sit0 || ip link add name try type sit remote 192.0.2.1",
    "vrf": "ip link add name try type vrf table 10",
    "oom-score": "echo -1 >/proc/self/oom_score_adj",
}

# "cgroup-v2:memory": the hierarchy of version 2 hands out this controller.
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
CGROUPS = {f"cgroup-v2:{controller}" for controller in CONTROLLERS}
# There is no hierarchy of version 2 at all, but these controllers on version 1.
CGROUPS.add("cgroup-v1-alone")

ALL = frozenset(TRIED) | CGROUPS

OFFERED = "NSLAB_TEST_FEATURES"  # the answer, where somebody has tried already


def cgroup_features():
    v1, v2 = set(), None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        kind, _, options = fields[fields.index("-") + 1:]
        if kind == "cgroup":
            v1.update(options.split(","))
        elif kind == "cgroup2":
            v2 = Path(fields[4], "cgroup.controllers").read_text().split()
    found = {f"cgroup-v2:{controller}" for controller in v2 or ()}
    if v2 is None and v1.issuperset(CONTROLLERS):
        found.add("cgroup-v1-alone")
    return found & CGROUPS


@functools.cache
def has(feature):
    if feature not in ALL:
        raise ValueError(f"no feature '{feature}' (there are: {', '.join(sorted(ALL))})")
    if OFFERED in os.environ:
        return feature in os.environ[OFFERED].split()
    if feature in CGROUPS:
        return feature in cgroup_features()
    return subprocess.run(["unshare", "--net", "sh", "-ec", TRIED[feature]],
                          capture_output=True).returncode == 0


def offered():
    return {feature for feature in ALL if has(feature)}


def needs(*features):
    """A decorator: the test, or all tests of the class, need these."""
    lacking = [feature for feature in features if not has(feature)]
    if not lacking:
        return lambda test: test
    return unittest.skip(f"for another kernel: this one lacks {', '.join(lacking)}")
