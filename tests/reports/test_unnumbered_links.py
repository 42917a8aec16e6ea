"""Unnumbered BGP and OSPFv3 need link-local addresses on links without any other.

ipspace/netlab #460, #2193, PR 463."""

import unittest

from nslab_test import NslabTest, lab_file, main, nslab, succeed


def address(node):
    return succeed(nslab("exec", f"unnumbered/{node}", "--", "ip", "-6", "-o", "address", "show", "dev", "e1")).out


class UnnumberedLinks(NslabTest):
    def bring_up(self, node="", link=""):
        file = lab_file(f"nodes: {{r1: {{role: router{node}}}, r2: {{role: router}}}}\n"
                        f"links: [{{ends: 'r1:e1 -- r2:e1'{link}}}]\n", "unnumbered")
        succeed(nslab("up", file))
        self.addCleanup(nslab, "down", "unnumbered")
        self.assert_nothing_to_do(file)

    def test_a_bare_link_has_them_at_once(self):
        self.bring_up()
        for node in ("r1", "r2"):
            self.assertIn("fe80::", address(node))
            self.assertNotIn("tentative", address(node))
        other = address("r2").split()[3].split("/")[0]
        succeed(nslab("exec", "unnumbered/r1", "--", "ping", "-c1", "-W1", f"{other}%e1"))

    def test_none_where_the_file_says_so(self):
        self.bring_up(link=", ipv6: none")
        self.assertEqual(address("r1"), "")

    def test_by_sysctl(self):
        self.bring_up(node=", sysctls: {net.ipv6.conf.e1.addr_gen_mode: 0}")
        self.assertIn("fe80::", address("r1"))

    def test_by_setup(self):
        self.bring_up(node=", setup: [ip link set e1 addrgenmode eui64]")
        self.assertIn("addrgenmode eui64", succeed(
            nslab("exec", "unnumbered/r1", "--", "ip", "-d", "link", "show", "e1")).out)


if __name__ == "__main__":
    main()
