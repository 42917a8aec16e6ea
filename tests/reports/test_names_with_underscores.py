"""ipspace/netlab #2286 (PR 2288): a node name with '_' does not resolve."""

from nslab_test import NslabTest, main

LAB = """
name: underscore
subnets: {lan: 10.86.28.0/24}
nodes:
  far_away:
    interfaces: {eth0: lan}
    services: {h: {command: [python3, -m, http.server, "80"], ready: {http: 80}}}
  a: {interfaces: {eth0: lan}}
"""


class NamesWithUnderscores(NslabTest):
    def test_ping_and_http_find_it(self):
        with self.lab(LAB) as lab:
            lab.read("a", "ping", "-n", "-c1", "-W1", "far_away")
            lab.read("a", "curl", "-sfo", "/dev/null", "--max-time", "5", "http://far_away/")


if __name__ == "__main__":
    main()
