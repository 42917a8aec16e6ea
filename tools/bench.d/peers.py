"""The same lab by the usual tools: shell scripts `up` and `down` in a directory.

Cables are made in place, both ends at once: the best that these tools can do. Most
scripts move interfaces from the host into the nodes, which takes ten times as long.
"""

import json
from pathlib import Path

from lab import Objects


def load(path):
    return Objects(json.loads(Path(path).read_text()))


def cable_commands(lab):
    """Arguments of `ip`. Bridges stand in the namespace that the script runs in."""
    for a, b in lab.cables:
        if b["bridge"]:
            yield f"link add name {b['name']} type veth peer name {a['name']} netns {a['netns']}"
            yield f"link set dev {b['name']} master {b['bridge']} up"
        else:
            yield (f"link add name {a['name']} netns {a['netns']} type veth "
                   f"peer name {b['name']} netns {b['netns']}")


def node_commands(lab):
    """{node: arguments of `ip` inside it}."""
    commands = {node: ["link set lo up"] for node in lab.nodes}
    for a, b in lab.cables:
        for end in (a, b):
            if end["netns"] in commands:
                commands[end["netns"]].append(f"link set dev {end['name']} up")
    for each in lab.addresses:
        commands[each["netns"]].append(f"addr add {each['address']} dev {each['interface']}")
    for each in lab.routes:
        commands[each["netns"]].append(f"route add {each['to']} via {each['via']} metric {each['metric']}")
    return commands


def forward_commands(lab):
    return [f"nsenter --net=/run/netns/{node} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'"
            for node in lab.forwards]


def bridge_commands(lab):
    for name in lab.bridges:
        yield f"link add name {name} type bridge mcast_snooping 0"
        yield f"link set dev {name} up"


def write(directory, name, lines):
    (directory / name).write_text("\n".join(lines) + "\n")


def ip(lab, directory, _tools):
    """A process for each command."""
    up = [f"ip netns add {node}" for node in lab.nodes]
    up += [f"ip {line}" for line in [*bridge_commands(lab), *cable_commands(lab)]]
    up += [f"ip -n {node} {line}" for node, lines in node_commands(lab).items() for line in lines]
    write(directory, "up", up + forward_commands(lab))
    write(directory, "down", [f"ip netns del {node}" for node in lab.nodes] +
          [f"ip link del {name}" for name in lab.bridges])


def network_by_batch(lab, directory):
    """Lines of a script that wires nodes which have names already."""
    write(directory, "cables", [*bridge_commands(lab), *cable_commands(lab)])
    lines = [f"ip -batch {directory}/cables"]
    for node, commands in node_commands(lab).items():
        write(directory, f"node.{node}", commands)
        lines.append(f"ip -n {node} -batch {directory}/node.{node}")
    return lines + forward_commands(lab)


def ip_batch(lab, directory, _tools):
    """One process for the host, one for each node."""
    write(directory, "nodes", [f"netns add {node}" for node in lab.nodes])
    write(directory, "up", [f"ip -batch {directory}/nodes", *network_by_batch(lab, directory)])
    write(directory, "gone", [f"netns del {node}" for node in lab.nodes] +
          [f"link del {name}" for name in lab.bridges])
    write(directory, "down", [f"ip -batch {directory}/gone"])


def unshare(lab, directory, _tools):
    """unshare(1) for each node, as in tutorials; the network by `ip -batch`."""
    up = ["mkdir -p /run/netns", f"mkfifo {directory}/ready", f"exec 3<>{directory}/ready"]
    for node in lab.nodes:
        up += [f": > /run/netns/{node}",
               f"unshare --net=/run/netns/{node} --uts --ipc --pid --fork --mount-proc --kill-child "
               f"sh -c 'hostname {node}; echo >&3; exec sleep infinity' </dev/null >/dev/null 2>&1 &",
               f"echo $! >> {directory}/pids"]
    up += [f"read -r _ <&3 # {node}" for node in lab.nodes]
    write(directory, "up", up + network_by_batch(lab, directory))
    names = [f"/run/netns/{node}" for node in lab.nodes]
    write(directory, "down", [f"xargs kill -9 < {directory}/pids", *(f"umount {name}" for name in names),
                              *(f"rm {name}" for name in names), *(f"ip link del {name}" for name in lab.bridges)])


def crun(lab, directory, tools):
    """An OCI container for each node, without cgroups; the network by `ip -batch`."""
    root = directory / "bundle/rootfs"
    for name in ("proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    (root / "init").write_bytes((tools / "init").read_bytes())
    (root / "init").chmod(0o755)
    namespaces = [{"type": kind} for kind in ("pid", "mount", "uts", "ipc", "network")]
    config = {"ociVersion": "1.0.0", "hostname": "node", "root": {"path": "rootfs"},
              "process": {"user": {"uid": 0, "gid": 0}, "args": ["/init"], "env": [], "cwd": "/"},
              "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                         {"destination": "/sys", "type": "sysfs", "source": "sysfs"},
                         {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
              "linux": {"namespaces": namespaces}}
    (directory / "bundle/config.json").write_text(json.dumps(config))
    program = f"crun --root {directory}/state --cgroup-manager=disabled"
    # It refuses to see version 1 beside version 2, also where it is to leave cgroups alone.
    up = ["[ ! -d /sys/fs/cgroup/unified ] || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup"]
    for node in lab.nodes:
        up += [f"{program} run --detach --bundle {directory}/bundle --pid-file {directory}/pid.{node} {node} "
               f"</dev/null >>{directory}/errors 2>&1 || {{ cat {directory}/errors >&2; exit 1; }}",
               f"ip netns attach {node} $(cat {directory}/pid.{node})"]
    write(directory, "up", up + network_by_batch(lab, directory))
    write(directory, "down", [f"{program} delete --force {node}" for node in lab.nodes] +
          [f"ip netns del {node}" for node in lab.nodes] + [f"ip link del {name}" for name in lab.bridges])
