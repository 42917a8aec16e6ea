"""Debian's daemons as services, with the command lines of a Debian machine: in the foreground and, where that is how
they are started there, in the background. Nothing but the command is written for them.

The packages are the set `daemons` of tools/packages.
"""

import unittest

from nslab_test import NslabTest, eventually, lab_file, main

POSTGRES = "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf"


class Daemons(NslabTest):
    def serves(self, commands, ready, check, rest=""):
        """Each command is ready, passes the check, is stopped whole, and comes up again as fast."""
        for command in commands:
            text = f'name: daemon\nnodes:\n  a:\n    services:\n      d: {{command: "{command}", ready: {ready}{rest}}}\n'
            with self.subTest(command), self.lab(lab_file(text, "daemon")) as running:
                status = running.service_status("a", "d")
                self.assertEqual((status["state"], status["restarts"]), ("ready", 0))
                eventually(lambda: running.exec("a", "sh", "-c", check).code == 0, check)
                self.assert_nothing_to_do(lab_file(text, "daemon"))
                running.up("name: daemon\nnodes: {a: {}}\n")
                self.assertEqual(running.processes("a"), [running.init("a")])
                running.up(text)
                eventually(lambda: running.exec("a", "sh", "-c", check).code == 0, check)

    def test_nginx(self):
        self.serves(["nginx -g 'daemon on; master_process on;'", "nginx -g 'daemon off;'", "nginx"],
                    "{http: 80}", "curl -sf http://127.0.0.1/")

    def test_apache(self):
        self.serves(["apache2ctl -D FOREGROUND", "apache2ctl start"], "{http: 80}", "curl -sf http://127.0.0.1/")

    def test_sshd(self):
        self.serves(["/usr/sbin/sshd -D", "/usr/sbin/sshd"], "{tcp: 22}", "ssh-keyscan -T 5 127.0.0.1 | grep -q ssh-")

    def test_postgresql(self):
        query = "runuser -u postgres -- psql -Atc 'select 6 * 7' | grep -qx 42"
        self.serves([POSTGRES], "{tcp: 5432}", query, ", user: postgres, stop: {signal: INT}")
        self.serves(["pg_ctlcluster 15 main start"], "{tcp: 5432}", query, ", stop: {signal: INT}")

    def test_haproxy(self):
        self.serves(["haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid", "haproxy -D -f /etc/haproxy/haproxy.cfg"],
                    "{file: /run/haproxy/admin.sock}", "test -S /run/haproxy/admin.sock")

    def test_named(self):
        self.serves(["named -f -u bind", "named -u bind"], "{tcp: 53}", "rndc status")

    def test_dnsmasq(self):
        self.serves(["dnsmasq -k --port 53", "dnsmasq --port 53"], "{tcp: 53}", "pgrep -x dnsmasq")

    def test_iperf3(self):
        self.serves(["iperf3 -s", "iperf3 -s -D"], "{tcp: 5201}", "iperf3 -c 127.0.0.1 -n 1K")

    def test_cron(self):
        self.serves(["cron -f", "cron"], "{exec: [pgrep, -x, cron]}", "pgrep -x cron")


class Frr(NslabTest):
    def test_its_daemons_each(self):
        text = """
name: frr
nodes:
  a:
    services:
      zebra: {command: /usr/lib/frr/zebra -d, ready: {exec: [vtysh, -d, zebra, -c, show version]}}
      ospfd: {command: /usr/lib/frr/ospfd, ready: {exec: [vtysh, -d, ospfd, -c, show version]}, after: [zebra]}
      load: {command: [vtysh, -c, configure terminal, -c, ip route 192.0.2.0/24 blackhole], once: true, after: [ospfd]}
      staticd: {command: /usr/lib/frr/staticd -d, ready: {exec: [vtysh, -d, staticd, -c, show version]}, after: [zebra]}
"""
        text = text.replace("after: [ospfd]", "after: [ospfd, staticd]")
        with self.lab(lab_file(text, "frr")) as running:
            self.assertEqual(running.service_status("a", "load")["state"], "done")
            eventually(lambda: "192.0.2.0/24" in running.read("a", "ip", "route"), "the job's route is there")
            running.up("name: frr\nnodes: {a: {}}\n")
            self.assertEqual(running.processes("a"), [running.init("a")])

    def test_as_the_machine_starts_it(self):
        """By its script, which leaves watchfrr in charge."""
        text = "name: frr\nnodes: {a: {services: {frr: {command: /usr/lib/frr/frrinit.sh start," \
               " ready: {exec: [vtysh, -c, show version]}}}}}\n"
        with self.lab(lab_file(text, "frr")) as running:
            self.assertIn("watchfrr", running.read("a", "ps", "-eo", "comm="))
            running.up("name: frr\nnodes: {a: {}}\n")
            self.assertEqual(running.processes("a"), [running.init("a")])


if __name__ == "__main__":
    main()
