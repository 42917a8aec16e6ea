"""Services of another user than root, and what a node's programs tell syslog."""

import unittest

from nslab_test import NslabTest, eventually, lab_file, main, nslab, succeed

SHOW = "id -un; id -gn; id -Gn; echo $HOME $USER $LOGNAME $SHELL; echo by name >/dev/stdout; exec sleep infinity"


def lab(user, command=SHOW):
    return f'name: users\nnodes:\n  a:\n    setup: ["useradd -m -u 1234 -s /bin/dash -G www-data,mail eve"]\n' \
           f'    services:\n      s: {{user: "{user}", command: "{command}"}}\n'


class Users(NslabTest):
    def said(self, running, lines):
        log = lambda: succeed(nslab("logs", "users/a", "s")).out.splitlines()
        return eventually(lambda: len(log()) >= lines and log(), "it has said all")

    def test_who_it_is(self):
        """The node's own user, made in it just before."""
        with self.lab(lab_file(lab("eve"), "users")) as running:
            said = self.said(running, 5)
            self.assertEqual(said[:2], ["eve", "eve"])
            self.assertEqual(set(said[2].split()), {"eve", "www-data", "mail"})
            self.assertEqual(said[3:], ["/home/eve eve eve /bin/dash", "by name"])
            self.assertEqual(running.shell("a", "grep CapEff /proc/$(pgrep -x sleep)/status").split()[1].strip("0"), "")
        for user, lines in (("1234:www-data", ["eve", "www-data"]), ("eve:8", ["eve", "mail"])):
            with self.subTest(user), self.lab(lab_file(lab(user), "users")) as running:
                self.assertEqual(self.said(running, 5)[:2], lines)
        with self.lab(lab_file(lab("4321", "id -u; id -g; echo $HOME; exec sleep infinity"), "users")) as running:
            self.assertEqual(self.said(running, 3), ["4321", "4321", "/"])

    def test_who_is_nobody(self):
        for user, words in (("mallory", "/etc/passwd has no user mallory"), ("eve:gang", "/etc/group has no group gang")):
            result = self.expect(nslab("up", lab_file(lab(user), "users")), 1, err=["users.yaml:6:", words])
        self.expect(nslab("validate", lab_file(lab("a b"), "users")), 2, err=["users.yaml:6:", "user"])

    def test_its_own_environment_goes_first(self):
        text = lab("eve", "echo $HOME $USER; exec sleep infinity").replace('user: "eve"', 'user: eve, environment: {HOME: /srv}')
        with self.lab(lab_file(text, "users")) as running:
            self.assertEqual(self.said(running, 1), ["/srv eve"])


class Syslog(NslabTest):
    def test_what_programs_tell_syslog(self):
        text = 'name: users\nnodes:\n  a:\n    setup: ["logger -t first in setup"]\n' \
               '    services: {s: {user: nobody, command: "logger -p daemon.err -t second as nobody; exec sleep infinity"}}\n'
        with self.lab(lab_file(text, "users")) as running:
            log = lambda: succeed(nslab("logs", "users/a", "syslog")).out
            running.read("a", "python3", "-c", "import syslog; syslog.syslog('third ' + 'x' * 3000)")
            eventually(lambda: log().count("\n") == 3, "three have come")
            self.assertRegex(log(), r"first: in setup\n.* second: as nobody\n.*third x{3000}\n")
            self.assertNotIn("<", log())
            self.assertIn("syslog | ", succeed(nslab("logs", "users/a")).out)


if __name__ == "__main__":
    main()
