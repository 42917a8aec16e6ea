"""moby #18871, #38491: a service cannot bind an IPv6 address at its start, which is still tentative."""

from nslab_test import NslabTest, main

LAB = """
name: bind
subnets: {lan: "fd00:86:22::/64"}
nodes:
  a:
    interfaces: {eth0: {subnet: lan, address: "fd00:86:22::a"}}
    services:
      global:
        command:
          - python3
          - -c
          - |
            import socket, time
            s = socket.socket(socket.AF_INET6)
            s.bind(("fd00:86:22::a", 8001))
            s.listen()
            time.sleep(1000)
        ready: {tcp: 8001}
      link-local:
        command:
          - python3
          - -c
          - |
            import socket, subprocess, time
            line = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link"],
                                  capture_output=True, text=True, check=True).stdout
            s = socket.socket(socket.AF_INET6)
            s.bind((line.split()[3].split("/")[0], 8002, 0, socket.if_nametoindex("eth0")))
            open("/run/bound", "w")
            time.sleep(1000)
        ready: {file: /run/bound}
"""


class Ipv6BindAtStart(NslabTest):
    def test_addresses_can_be_bound_at_once(self):
        with self.lab(LAB) as lab:
            self.assertNotIn("tentative", lab.read("a", "ip", "-6", "addr"))


if __name__ == "__main__":
    main()
