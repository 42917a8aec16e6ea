"""projectcalico/felix #40, weaveworks/ignite #870: a lease over a virtual cable never comes, since its datagrams
carry a checksum that nobody has filled in, which a client with a socket of its own for packets throws away."""

from nslab_test import NslabTest, lab_file, main

SERVER = "command: [dnsmasq, -k, --port=0, --dhcp-range, \"10.86.31.10,10.86.31.20\"], ready: {exec: [pgrep, dnsmasq]}"
SCRIPT = r"#!/bin/sh\n[ $1 = bound ] && ip addr add $ip/24 dev $interface\nexit 0\n"
CLIENT = f'files: {{/etc/udhcpc/default.script: {{mode: "0755", content: "{SCRIPT}"}}}}'
LABS = {
    "a cable": f"""
name: dhcp
nodes:
  server: {{services: {{dhcp: {{{SERVER}}}}}}}
  client: {{{CLIENT}}}
links: [[{{interface: "server:eth0", address: 10.86.31.1/24}}, "client:eth0"]]
""",
    "a bridge": f"""
name: dhcp
nodes:
  bridge: {{setup: [ip link add br0 type bridge, ip link set br0 up, ip link set p0 master br0, ip link set p1 master br0]}}
  server: {{services: {{dhcp: {{{SERVER}}}}}}}
  client: {{{CLIENT}}}
links: [[{{interface: "server:eth0", address: 10.86.31.1/24}}, "bridge:p0"], "bridge:p1 -- client:eth0"]
""",
}


class DhcpOverCables(NslabTest):
    def test_a_lease_comes_and_is_no_drift(self):
        for what, text in LABS.items():
            with self.subTest(what), self.lab(text) as lab:
                self.assertIn("lease of 10.86.31.", lab.shell("client", "busybox udhcpc -i eth0 -q -n -t 10 2>&1"))
                lab.read("client", "ping", "-n", "-c1", "-W1", "10.86.31.1")
                self.assert_nothing_to_do(lab_file(text))
                lab.up(text.replace("10.86.31.20", "10.86.31.30"))
                self.assertIn("10.86.31.", lab.read("client", "ip", "-4", "-br", "addr", "show", "dev", "eth0"))


if __name__ == "__main__":
    main()
