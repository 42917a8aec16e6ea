"""istio #32145, #21030, #40169; urunc #992; greenpau/cni-plugins #18: set-up runs a second time in a
network namespace that outlived its container, and fails with "File exists", or takes effect
twice; what it did when it was another one goes on working.
"""

import json
import os
import signal
import subprocess

from nslab_test import NslabTest, eventually, lab_file, main, nslab, succeed

# As their set-up does: a chain and its jump, a rule and its table, a filter on the interface,
# a way for what is not local.
LINES = ["iptables -t nat -N REDIRECT_LAB", "iptables -t nat -A PREROUTING -p tcp -j REDIRECT_LAB",
         "ip rule add fwmark 1 lookup 133", "ip route add local 0.0.0.0/0 dev lo table 133",
         "tc qdisc add dev e1 ingress", "ip link add cni0 type veth peer name tap0", "sysctl -qw net.ipv4.ip_forward=1"]
SEEN = "ip rule; tc qdisc show dev e1; ip -o link show cni0; ip route show table 133; iptables -t nat -S 2>&1"


def lab(lines, version=1):
    return f"""
name: again
nodes:
  a: {{environment: {{V: "{version}"}}, setup: {json.dumps(lines)}}}
  b: {{}}
links: ["a:e1 -- b:e1"]
"""


def works(line):
    script = "ip link set lo up; ip link add e1 type veth peer name e2; iptables -t nat -N REDIRECT_LAB; " + line
    return subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True).returncode == 0


class SetupRunsAgain(NslabTest):
    def test_it_takes_effect_once_and_no_longer_than_it_is_there(self):
        lines = [LINES[0]] * works("iptables -t nat -S REDIRECT_LAB") + [line for line in LINES[1:] if works(line)]
        self.assertLessEqual({LINES[2], LINES[3], LINES[5]}, set(lines))
        with self.lab(lab(lines)) as running:
            first = running.shell("a", f"({SEEN}) | sed 's/qdisc ingress [^ ]*/qdisc ingress/; s/link.ether [^ ]*//'")
            self.assertEqual(first.count("fwmark"), 1)
            for version in (2, 3):
                running.up(lab(lines, version))
                again = running.shell("a", f"({SEEN}) | sed 's/qdisc ingress [^ ]*/qdisc ingress/; s/link.ether [^ ]*//'")
                self.assertEqual(again, first)
            os.kill(running.init("a"), signal.SIGKILL)
            eventually(lambda: not running.processes("a"), "the node ends")
            running.up(lab(lines, 3))
            self.assertEqual(running.shell("a", "ip rule").count("fwmark"), 1)
            running.up(lab(["true"], 3))
            self.assertEqual(running.read("a", "cat", "/proc/sys/net/ipv4/ip_forward"), "0")
            self.assertNotIn("fwmark", running.shell("a", SEEN + "; true"))
            self.assert_nothing_to_do(lab_file(lab(["true"], 3), "again"))


if __name__ == "__main__":
    main()
