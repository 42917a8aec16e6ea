"""Sysctls are compared by what the kernel makes of them, also those that it does not show."""

import unittest

from nslab_test import NslabTest, lab_file, main, nslab, succeed

VALUES = {
    "net.ipv4.ip_default_ttl": "0x20",
    "net.ipv4.ping_group_range": "0  10",
    "net.ipv4.tcp_rmem": "4096\t8192 16384",
    "net.ipv4.conf.all.log_martians": "1  ",
    "net.ipv4.route.flush": "1",
    "net.ipv6.conf.e1.stable_secret": "2001:db8::1",
}


class Sysctls(NslabTest):
    def test_each_is_no_drift(self):
        for key, value in VALUES.items():
            with self.subTest(key=key):
                lab = lab_file(f"nodes: {{a: {{sysctls: {{{key}: \"{value}\"}}}}, b: {{}}}}\n"
                               "links: ['a:e1 -- b:e1']\n".replace("\t", "\\t"), "sysctls")
                try:
                    succeed(nslab("up", lab))
                    self.assert_nothing_to_do(lab)
                finally:
                    nslab("down", "sysctls")

    def test_of_an_interface_that_setup_makes(self):
        lab = lab_file("nodes: {a: {setup: [ip link add br0 type bridge],"
                       " sysctls: {net.ipv4.conf.br0.rp_filter: 2}}}\n", "sysctls")
        try:
            succeed(nslab("up", lab))
            self.assert_nothing_to_do(lab)
            self.assertEqual(succeed(nslab("exec", "sysctls/a", "--", "sysctl", "-n",
                                           "net.ipv4.conf.br0.rp_filter")).text, "2")
        finally:
            nslab("down", "sysctls")


if __name__ == "__main__":
    main()
