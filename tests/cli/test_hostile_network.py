"""What a hostile program in a node tries on the network, and with limits."""

import os
import re
import socket
import subprocess
import unittest

import hostile
from hostile import tried
from nslab_test import NSLAB, eventually, killed_at_the_end, lab_file, main, nslab, residue, run, succeed

OWN_NETWORK = "it has a network namespace of its own"
FORGED = "10.150.0.99"
PIDS = 40

# Asks for `target` in the name of an address that is not the node's.
ARP = """
import socket, struct
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0x0806))
mine = link.getsockname()[4]
ask = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mine, socket.inet_aton("FORGED"), bytes(6), socket.inet_aton("TARGET"))
link.send(b"\\xff" * 6 + mine + b"\\x08\\x06" + ask)
# And a packet of IP from there, to everybody.
data = b"forged"
udp = struct.pack("!HHHH", 7777, 7777, 8 + len(data), 0) + data
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton("FORGED"), socket.inet_aton("TARGET"))
total = sum(struct.unpack("!10H", head))
total = (total & 0xffff) + (total >> 16)
head = head[:10] + struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[12:]
link.send(b"\\xff" * 6 + mine + b"\\x08\\x00" + head + udp)
""".replace("FORGED", FORGED)

BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.1)
"""


class Network(hostile.HostileTest):
    heading = "The network and limits"
    text = hostile.LAB.replace("defaults:\n", f"defaults:\n  limits: {{pids: {PIDS}, memory: 64M}}\n")

    def neighbours(self, lab=None, node=None):
        where = ("-n", f"{lab}.{node}") if lab else ()
        return {each["dst"] for each in residue.ip(*where, "neigh")}

    @tried("see or change the host's interfaces", OWN_NETWORK, OWN_NETWORK)
    def test_interfaces(self, node):
        before = residue.ip("link")
        seen, = self.attempt(node, "sorted(os.listdir('/sys/class/net'))")
        self.assertEqual(seen, "succeeded: ['eth0', 'lo']")
        self.running.shell(node, "ip link add made type bridge && ip link set lo mtu 1400 && ip link del made")
        self.assertEqual(residue.ip("link"), before)
        self.running.shell(node, "ip link set lo mtu 65536")

    @tried("reach what listens on the host's loopback address or abstract sockets", OWN_NETWORK, OWN_NETWORK)
    def test_sockets_of_the_host(self, node):
        with socket.socket() as server, socket.socket(socket.AF_UNIX) as abstract:
            server.bind(("127.0.0.1", 0))
            server.listen()
            abstract.bind("\0nslab-hostile")
            abstract.listen()
            self.refused(node, "ECONNREFUSED", f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))",
                         "connect_abstract('nslab-hostile')")

    @tried("forge ARP and IP packets for another lab or the host", "they stay in the lab's own bridges",
           "they stay in the lab's own bridges")
    def test_forged_packets(self, node):
        with self.lab(hostile.LAB.replace("name: hostile", "name: apart")):
            address, = [each["addr_info"][0]["local"] for each in residue.ip("-n", "hostile.other", "-4", "addr")
                        if each["ifname"] == "eth0"]
            self.running.read(node, "/usr/bin/python3", "-c", ARP.replace("TARGET", address))
            # The lab's own node took it in: it was sent.
            eventually(lambda: FORGED in self.neighbours("hostile", "other"), "it was sent")
            for other in ("plain", "private", "other"):
                self.assertNotIn(FORGED, self.neighbours("apart", other))
            self.assertNotIn(FORGED, self.neighbours())
            run("ip", "-n", "hostile.other", "neigh", "flush", "all")

    @tried("write to the terminal of who looks at the lab: control characters in names, logs, what a failed command printed",
           r"they are printed as '?' or `\x1b`; as they are by `logs --raw` alone",
           r"they are printed as '?' or `\x1b`; as they are by `logs --raw` alone")
    def test_names_for_a_terminal(self, node):
        for name in (b"x\x1b[31m", b"y\xff", b"z\xc2\x9b1m"):
            self.running.exec(node, "ip", "link", "add", os.fsdecode(name), "type", "bridge")
            self.running.exec(node, "ip", "link", "set", os.fsdecode(name), "alias", "nslab:hostile:n:a", "up")
            self.running.exec(node, "ip", "addr", "add", "10.9.9.9/24", "dev", os.fsdecode(name))
        self.attempt(node, "socket.sethostname('\x1b]0;title\x07')")
        for command in (["status", "hostile"], ["status", "hostile", "--json"], ["plan", lab_file(self.text, "hostile")],
                        ["plan", lab_file(self.text, "hostile"), "--json"]):
            result = succeed(nslab(*command))  # it is UTF-8
            # JSON is for programs, which have to unescape all of it anyway.
            control = r"[\x00-\x08\x0b-\x1f]" if "--json" in command else r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
            self.assertFalse(re.search(control, result.out), ascii(result.out))
        self.assertIn("x?[31m", succeed(nslab("status", "hostile")).out)
        for name in (b"x\x1b[31m", b"y\xff", b"z\xc2\x9b1m"):
            self.running.exec(node, "ip", "link", "del", os.fsdecode(name))
        succeed(nslab("up", lab_file(self.text, "hostile")))

    @tried("fork without end, in a node with `limits: {pids: …}`", "its cgroup has no more processes", "its cgroup has no more processes")
    def test_fork_bomb(self, node):
        with self.lab(self.text.replace("name: hostile", "name: bombed")) as lab:
            bomb = subprocess.Popen([NSLAB, "exec", f"bombed/{node}", "--", "/usr/bin/python3", "-c", BOMB],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with killed_at_the_end(bomb):
                eventually(lambda: len(lab.processes(node)) == PIDS, "the limit is reached", 30)
                self.assertEqual(lab.node_status(node)["state"], "up")
                self.assertEqual(lab.read("other", "echo", "answers"), "answers")
                self.expect(lab.exec(node, "true"), 1, err="EAGAIN")  # even the way in is closed, and says so
                self.assertEqual(len(lab.processes(node)), PIDS)
                succeed(nslab("down", "bombed"))
                succeed(nslab("up", lab_file(self.text.replace("name: hostile", "name: bombed"), "bombed")))

    @tried("use memory without end, in a node with `limits: {memory: …}`", "its processes are killed", "its processes are killed")
    def test_memory_hog(self, node):
        text = self.text.replace("name: hostile", "name: hogged")
        for hog in ("python3 -c 'b\"x\" * (256 << 20)'", "head -c 256M /dev/zero >/dev/shm/hog",
                    "head -c 256M /dev/zero >/root/hog"):
            with self.lab(text) as lab:
                other = lab.init("other")
                self.assertNotEqual(lab.exec(node, "sh", "-c", hog).code, 0, hog)
                # Files stay when those who wrote them are killed: then the init may be, too.
                self.assertLessEqual(lab.node_status(node)["memory"] or 0, 64 << 20)
                self.assertEqual(lab.read("other", "echo", "answers"), "answers")
                self.assertEqual(lab.init("other"), other)


if __name__ == "__main__":
    main()
