"""Lab files made up from a seed: every key of the schema, the ends of every range, names of full
length, and shapes that nobody would draw.

A maker per block of the schema, a row per key: what a new key lacks here, the test of
random labs names. What is made keeps the rules that hold between keys as far as that is
simple; where it does not, `nslab validate` says so, and another is made.
"""

import ipaddress
import random
import string

import yaml

FOREVER = ["sleep", "1000000"]
LONGEST = {"node": 63, "interface": 15, "subnet": 15, "service": 63, "hostname": 64}
MTUS = [68, 576, 1279, 1280, 1500, 9000, 65535]


class Plain(yaml.SafeDumper):
    """Without anchors, which a lab file has none of."""

    def ignore_aliases(self, data):
        return True


class RandomLab:
    """A lab of this seed, as a tree for YAML."""

    def __init__(self, seed, name):
        self.random = random.Random(seed)
        self.name = name
        self.used = set()  # (block, key)
        self.nets = {}     # subnet: its networks
        self.ports = {}    # subnet: how many addresses were pinned
        self.nodes = [self.new_name("node") for _ in range(self.random.randint(1, 6))]
        self.taken = {node: {"lo"} for node in self.nodes}  # interface names
        self.sharing = {}  # node: the one whose namespaces it shares
        self.has_groups = False
        self.attached = {}  # node: {interface: subnet}
        self.tree = self.lab()

    def text(self):
        return yaml.dump(self.tree, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)

    # Chance.

    def some(self, share=0.5):
        return self.random.random() < share

    def one(self, *choices):
        return self.random.choice(choices)

    def new_name(self, kind):
        longest = LONGEST[kind]
        length = self.one(1, 2, 5, 8, longest)
        middle = string.ascii_lowercase + string.digits + {
            "hostname": "-.", "node": "-_", "service": "-_"}.get(kind, "-_.")
        while True:
            name = self.one(*string.ascii_lowercase) + "".join(
                self.one(*middle) for _ in range(length - 1))
            if kind == "hostname":
                name = ".".join(part.strip("-") or "x" for part in name.split("."))[:longest]
            seen = getattr(self, f"seen_{kind}", set())
            if name not in seen and name != "lo":
                seen.add(name)
                setattr(self, f"seen_{kind}", seen)
                return name

    # Blocks. A row: the key, how likely it is, how its value is made. None leaves it out.

    def block(self, name, rows, and_then=lambda made: None):
        made = {}
        for key, share, make in rows:
            if self.some(share):
                value = make()
                if value is not None:
                    made[key] = value
                    self.used.add((name, key))
        and_then(made)
        return made

    def lab(self):
        tree = self.block("lab", [
            ("name", 1, lambda: self.name),
            ("description", 0.3, lambda: self.one("A lab", "ein Läb: «quoted» \\ # no comment", "x" * 500)),
            ("subnets", 0.8, self.subnets),
            ("limits", 0.3, lambda: self.block("lab_limits", [
                ("layers", 1, lambda: self.one("64M", "30%", "none"))])),
            ("groups", 0.3, self.groups),
            ("defaults", 0.3, self.defaults),
        ])
        tree["nodes"] = {node: self.node(node) or None for node in self.nodes}
        self.used.add(("lab", "nodes"))
        links = self.links()
        if links:
            tree["links"] = links
            self.used.add(("lab", "links"))
        if self.some(0.2):
            tree["x-note"] = {"any": ["thing", 1]}
        return tree

    def subnets(self):
        made = {}
        for i in range(self.random.randint(1, 4)):
            name = self.new_name("subnet")
            nets = [f"10.{i + 1}.0.0/{self.one(16, 23, 24, 28)}", f"fd00:{i + 1}::/{self.one(48, 64, 120)}"]
            nets = self.one(nets[:1], nets[1:], nets)
            self.nets[name] = nets
            if self.some(0.4):
                made[name] = nets[0] if len(nets) == 1 else nets
                continue
            has_v6 = any(":" in net for net in nets)
            made[name] = self.block("subnet", [
                ("cidr", 1, lambda: nets[0] if len(nets) == 1 else nets),
                ("mtu", 0.5, lambda: self.one(*[m for m in MTUS if m >= 1280 or not has_v6])),
                ("gateway", 0.2, lambda: self.address_in(name)),
                ("ipv6", 0.2, lambda: self.one("link-local", "none")),
            ])
        return made

    def address_in(self, subnet):
        """One that the lab does not hand out by itself soon."""
        net = ipaddress.ip_network(self.one(*self.nets[subnet]))
        place = self.ports.get(subnet, 0) + 2
        self.ports[subnet] = place
        return str(net.network_address + min(net.num_addresses - 1, 65000) - place)

    def groups(self):
        self.has_groups = True
        return {"small": self.inherited(), "big_one": self.inherited()}

    def defaults(self):
        return self.inherited()

    def inherited(self):
        return self.block("node", [
            ("environment", 0.5, self.environment),
            ("limits", 0.5, self.limits),
            ("files", 0.3, self.files),
        ]) or None

    def node(self, name):
        if self.nodes.index(name) > 0 and self.some(0.15):
            shared = self.nodes[0]  # a pod
            self.sharing[name] = shared
            return {"namespaces": {kind: f"node:{shared}"
                                   for kind in self.random.sample(["net", "ipc", "uts", "pid"], 2) + ["net"]}}
        return self.block("node", [
            ("groups", 0.2, lambda: self.one("small", ["small", "big_one"]) if self.has_groups else None),
            ("hostname", 0.3, lambda: self.new_name("hostname")),
            ("role", 0.3, lambda: self.one("router", "host")),
            ("interfaces", 0.8, lambda: self.interfaces(name)),
            ("routes", 0.4, lambda: self.routes(name)),
            ("sysctls", 0.3, self.sysctls),
            ("environment", 0.3, self.environment),
            ("files", 0.4, self.files),
            ("directories", 0.3, self.directories),
            ("keep", 0.2, lambda: self.one(True, False)),
            ("mounts", 0.3, self.mounts),
            ("setup", 0.3, self.setup),
            ("services", 0.5, self.services),
            ("limits", 0.3, self.limits),
            ("namespaces", 0.2, self.namespaces),
            ("root", 0.1, lambda: "overlay"),
            ("after", 0.2, lambda: self.after(name)),
        ], self.with_clock)

    def with_clock(self, node):
        if node.get("namespaces", {}).get("time") == "private":
            node["clock"] = self.block("clock", [
                ("monotonic", 0.7, lambda: self.one("-1s", "1h", "7d")),
                ("boottime", 0.7, lambda: self.one("0s", "36500d")),
            ])
            self.used.add(("node", "clock"))

    def interfaces(self, node):
        made = {}
        for subnet in self.random.sample(sorted(self.nets), self.random.randint(0, len(self.nets))):
            name = self.interface_of(node)
            self.attached.setdefault(node, {})[name] = subnet
            made[name] = subnet if self.some() else self.block("interface", [
                ("subnet", 1, lambda: subnet),
                ("address", 0.5, lambda: self.addresses(subnet)),
                ("mac", 0.3, self.mac),
                ("mtu", 0.2, lambda: 1280),
                ("ipv6", 0.2, lambda: self.one("link-local", "none")),
            ])
        return made or None

    def interface_of(self, node):
        name = self.new_name("interface")
        self.taken[node].add(name)
        return name

    def addresses(self, subnet):
        first = self.address_in(subnet)
        return self.one(first, [first, self.address_in(subnet)])

    def mac(self):
        return "02:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(5))

    def routes(self, node):
        interface, subnet = self.one(*self.attached.get(node, {"": ""}).items())
        v4, v6 = "198.51.100.0/24", "2001:db8:5::/48"
        made = []
        if subnet and self.some():
            made.append(self.block("route", [
                ("to", 1, lambda: "100.100.0.0/16"),
                ("via", 1, lambda: next((str(ipaddress.ip_network(net)[-2]) for net in self.nets[subnet]
                                         if ":" not in net), None)),
                ("dev", 0.5, lambda: interface),
            ]))
            if "via" not in made[0]:
                made.clear()
        for to in self.random.sample([v4, v6, "203.0.113.7", "192.0.2.0/25"], 2):
            made.append(self.block("route", [
                ("to", 1, lambda: to),
                ("type", 1, lambda: self.one("blackhole", "unreachable", "prohibit")),
                ("metric", 0.4, lambda: self.one(0, 1, 100, 4294967295)),
            ]))
        return made

    def sysctls(self):
        rows = {"net.ipv4.ip_default_ttl": [1, 32, 255], "net.ipv4.conf.all.rp_filter": [0, 1, 2],
                "net.ipv4.ip_local_port_range": ["20000 30000", "1024\t65535"],
                "net.ipv4.tcp_congestion_control": ["reno"], "net.ipv4.conf.lo.forwarding": [0, 1],
                "kernel.msgmax": [4096, 65536], "fs.mqueue.msg_max": [5, 20]}
        return {key: self.one(*rows[key]) for key in self.random.sample(sorted(rows), 2)}

    def environment(self):
        return {self.one("LANG", "COLOUR", "_X1"): self.one("C.UTF-8", "", "with blanks  and 'quotes'", 7, "ü" * 200)}

    def files(self):
        paths = ["/etc/motd", "/etc/new/deep/er/file", "/root/.profile", "/usr/local/bin/hello", "/srv/x",
                 "/opt/" + "n" * 200]
        made = {}
        for path in self.random.sample(paths, 2):
            content = self.one("", "hello\n", "#!/bin/sh\necho hello\n", "ä" * 1000, "x" * 65536)
            made[path] = content if self.some() else self.block("file", [
                ("content", 1, lambda: content),
                ("mode", 0.7, lambda: self.one("0644", "0755", "0600", "0000", "0777")),
                ("owner", 0.3, self.owner),
            ])
        return made

    def owner(self):
        return self.one("root", "www-data", "daemon:adm", "1234:5678")

    def directories(self):
        return {self.one("/srv/www", "/var/lib/own/deep", "/run/own-daemon"): self.block("directory", [
            ("mode", 0.7, lambda: self.one("0755", "2775", "0700")),
            ("owner", 0.7, self.owner),
        ]) or None}

    def mounts(self):
        made = {}
        for path in self.random.sample(["/mnt", "/cache/deep", "/var/cache", "/srv/site"], 2):
            made[path] = self.one(
                lambda: self.block("mount", [("tmpfs", 1, lambda: self.one("1M", "64M")),
                                             ("mode", 0.5, lambda: self.one("0755", "1777", "0000")),
                                             ("owner", 0.5, self.owner)]),
                lambda: "/usr/share/doc",
                lambda: self.block("mount", [("bind", 1, lambda: "/usr/share/doc"),
                                             ("read_only", 0.8, lambda: True)]))()
        return made

    def setup(self):
        return self.random.sample([
            "true", ["echo", "two words"], "ip route add blackhole 100.64.0.0/10", "echo $((1+1)) >/run/two",
            "ip link add inner type bridge", "mkdir -p /run/own && touch /run/own/file",
            "ip rule add pref 50 to 100.64.0.1 lookup main"], 3)

    def services(self):
        made = {}
        for _ in range(self.random.randint(1, 3)):
            made[self.new_name("service")] = self.block("service", [
                ("command", 1, lambda: self.one(FOREVER, "exec sleep 1000000",
                                                "trap 'exit 0' TERM; touch /run/on; while :; do sleep 1; done")),
                ("environment", 0.2, self.environment),
                ("directory", 0.2, lambda: self.one("/", "/usr/share")),
                ("ready", 0.3, self.ready),
                ("restart", 0.4, lambda: self.one("never", "on-failure", "always")),
                ("after", 0.3, lambda: [self.one(*made)] if made else None),
                ("stop", 0.3, lambda: self.block("stop", [
                    ("signal", 0.7, lambda: self.one("TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2", "WINCH")),
                    ("timeout", 0.7, lambda: self.one("100ms", "1s")),
                ]) or None),
            ])
        if self.some(0.2):
            made[self.new_name("service")] = self.block("service", [
                ("command", 1, lambda: self.one(["true"], "echo done")), ("once", 1, lambda: True)])
        if self.some(0.3):
            made[self.new_name("service")] = self.block("service", [
                ("command", 1, lambda: FOREVER), ("user", 1, lambda: self.one("www-data", "daemon:adm", "65534"))])
        if self.some(0.2):  # what serves a port is one of its own
            made[self.new_name("service")] = {
                "command": ["python3", "-m", "http.server", "8080"],
                "ready": self.one(
                    lambda: self.block("ready", [("tcp", 1, lambda: 8080), ("interval", 0.5, lambda: "50ms")]),
                    lambda: self.block("ready", [("http", 1, lambda: 8080), ("path", 0.5, lambda: "/")]))()}
        return made

    def ready(self):
        return self.one(
            lambda: self.block("ready", [("exec", 1, lambda: self.one(["true"], "true")),
                                         ("interval", 0.5, lambda: self.one("1ms", "1s")),
                                         ("timeout", 0.5, lambda: self.one("30s", "1h"))]),
            lambda: self.block("ready", [("file", 1, lambda: "/etc/passwd")]))()

    def limits(self):
        return self.block("limits", [
            ("memory", 0.5, lambda: self.one("32M", "1G", "1T")),
            ("cpus", 0.3, lambda: self.one(0.1, 0.5, 1, 64)),
            ("cpu_weight", 0.3, lambda: self.one(1, 100, 10000)),
            ("cpuset", 0.3, lambda: self.one("0", "0-0")),
            ("pids", 0.4, lambda: self.one(50, 4096, 4194304, "none")),
            ("ptys", 0.2, lambda: self.one(8, 64, "none")),
            ("tmp", 0.2, lambda: self.one("1M", "50%", "none")),
            ("run", 0.2, lambda: self.one("4M", "5%", "none")),
            ("shm", 0.2, lambda: self.one("1M", "64M", "none")),
        ]) or None

    def namespaces(self):
        made = self.block("namespaces", [
            ("cgroup", 0.3, lambda: self.one("private", "host")),
            ("ipc", 0.3, lambda: "private"),
            ("net", 0.2, lambda: "private"),
            ("mnt", 0.2, lambda: "private"),
            ("pid", 0.3, lambda: self.one("private", "host")),
            ("time", 0.3, lambda: self.one("private", "host")),
            ("uts", 0.2, lambda: "private"),
            ("user", 0.2, lambda: "host"),
        ])
        return made or None

    def after(self, node):
        earlier = [each for each in self.nodes[:self.nodes.index(node)] if each not in self.sharing]
        return {self.one(*earlier): self.one("started", "ready")} if earlier else None

    def links(self):
        places = [node for node in self.nodes if node not in self.sharing]
        made = []
        for i in range(self.random.randint(0, 4) if len(places) > 1 else 0):
            a, b = self.random.sample(places, 2)
            ends = [f"{a}:{self.interface_of(a)}", f"{b}:{self.interface_of(b)}"]
            net = self.one(f"10.200.{i}.0/{self.one(24, 30, 31)}", f"fd00:200:{i}::/64")
            made.append(self.one(
                lambda: " -- ".join(ends),
                lambda: list(ends),
                lambda: self.block("link", [
                    ("ends", 1, lambda: [ends[0], self.block("end", [
                        ("interface", 1, lambda: ends[1]), ("mac", 0.5, self.mac),
                        ("address", 0.3, lambda: f"10.{201 + i}.0.1/24")])]),
                    ("ipv6", 0.3, lambda: self.one("link-local", "none")),
                    ("mtu", 0.5, lambda: self.one(*MTUS))]),
                lambda: self.block("link", [("ends", 1, lambda: list(ends)), ("subnet", 1, lambda: net),
                                            ("mtu", 0.4, lambda: self.one(1280, 1500, 65535))]))())
        return made
