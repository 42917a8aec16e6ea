"""A lab for every contender: the lab file, and its objects as lines that others can make."""

import json
import re
import subprocess


def write_lab(nslab, shape, nodes, directory):
    """Writes lab.yaml, changed.yaml (one node is different), objects.json and lab.txt (see
    Objects); returns the objects."""
    text = subprocess.run([nslab, "new", shape, "--nodes", str(nodes), "--name", "bench"],
                          check=True, capture_output=True, text=True).stdout
    (directory / "lab.yaml").write_text(text)
    plan = subprocess.run([nslab, "plan", directory / "lab.yaml", "--json"],
                          check=True, capture_output=True, text=True).stdout
    specs = [step["after"] for step in json.loads(plan)["steps"]]
    lab = Objects(specs)
    (directory / "objects.json").write_text(json.dumps(specs))
    (directory / "changed.yaml").write_text(change_one(text, lab.nodes[len(lab.nodes) // 2]))
    (directory / "lab.txt").write_text(lab.describe())
    return lab


def change_one(text, node):
    """The lab with another host name for that node."""
    changed, count = re.subn(rf"^  {node}:(?: {{(.*)}})?$",
                             lambda found: f"  {node}: {{hostname: changed{', ' + found[1] if found[1] else ''}}}",
                             text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"node {node} is not on a line of its own")
    return changed


class Objects:
    """What the plan of a new lab creates, by kind."""

    def __init__(self, specs):
        of = {}
        for spec in specs:
            of.setdefault(spec["kind"], []).append(spec)
        self.nodes = [spec["name"] for spec in of["node"]]
        self.bridges = [spec["name"] for spec in of.get("bridge", [])]
        self.cables = [(spec["a"], spec["b"]) for spec in of.get("veth", [])]
        self.addresses = of.get("address", [])
        self.routes = of.get("route", [])
        self.forwards = [spec["node"] for spec in of.get("sysctl", []) if spec["key"] == "net.ipv4.ip_forward"]
        self.hosts = next((spec["content"] for spec in of.get("shared-file", []) if spec["path"] == "/etc/hosts"), "")
        known = {"lab", "node", "bridge", "veth", "address", "route", "sysctl", "shared-file", "netns", "cgroup"}
        if set(of) - known:
            raise ValueError(f"the floor does not make: {set(of) - known}")

    def describe(self):
        """The lines that bench.d/lab.cc reads."""
        lines = [f"node {name}" for name in self.nodes]
        lines += [f"forward {name}" for name in self.forwards]
        lines += [f"bridge {name}" for name in self.bridges]
        for a, b in self.cables:
            here = f"{a['netns']} {a['name']} {a['mac']}"
            if b["bridge"]:
                lines.append(f"port {here} {b['name']} {b['mac']} {b['bridge']}")
            else:
                lines.append(f"cable {here} {b['netns']} {b['name']} {b['mac']}")
        for each in self.addresses:
            lines.append(f"address {each['netns']} {each['interface']} {each['address'].replace('/', ' ')}")
        for each in self.routes:
            lines.append(f"route {each['netns']} {each['to'].replace('/', ' ')} {each['via']} {each['metric']}")
        lines += [f"hosts {line}" for line in self.hosts.splitlines()]
        return "\n".join(lines) + "\n"
