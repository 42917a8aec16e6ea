"""What becomes of a node's files: over a restart, under the lab file's own, and by whom they may
be read."""

import os
import subprocess
from pathlib import Path

from nslab_test import FILES, Lab, NslabTest, lab_file, main, nslab, succeed

RESTARTS = "name: kept\nnodes:\n  a:\n    setup: ['true %s']\n    %s\n"


class Restart(NslabTest):
    def restart(self, lab, number, more="keep: true"):
        pid = lab.init("a")
        lab.up(RESTARTS % (number, more))
        self.assertNotEqual(lab.init("a"), pid)

    def test_what_a_node_changed_stays(self):
        with self.lab(RESTARTS % (1, "keep: true")) as lab:
            lab.shell("a", "mkdir /root/work; echo hour > /root/work/mark; rm /etc/motd; echo x >> /etc/issue;"
                           "echo gone > /run/x; echo gone > /tmp/x; hostname other")
            self.restart(lab, 2)
            self.assertEqual(lab.read("a", "sh", "-c", "cat /root/work/mark; tail -1 /etc/issue; hostname; cat /etc/hostname;"
                                      "ls /etc/motd /run/x /tmp/x 2>&1 | wc -l"), "hour\nx\na\na\n3")
            self.assert_nothing_to_do(FILES / "kept.yaml")

    def test_after_its_init_was_killed(self):
        with self.lab(RESTARTS % (1, "keep: true")) as lab:
            lab.shell("a", "echo hour > /root/mark")
            os.kill(lab.init("a"), 9)
            lab.up(RESTARTS % (1, "keep: true"))
            self.assertEqual(lab.read("a", "cat", "/root/mark"), "hour")

    def test_where_it_is_not_to_or_cannot(self):
        root = FILES / "other-root"
        root.mkdir(exist_ok=True)
        for after in ("keep: false", "namespaces: {user: private}"):
            with self.subTest(after), self.lab(RESTARTS % (1, "keep: true")) as lab:
                lab.shell("a", "echo hour > /root/mark")
                self.assertIn("its files are lost", succeed(nslab("plan", lab_file(RESTARTS % (2, after)))).out)
                self.restart(lab, 2, after)
                self.assertEqual(lab.exec("a", "cat", "/root/mark").code, 1)
        with self.lab("name: kept\nnodes: {a: {}}\n"):
            plan = succeed(nslab("plan", lab_file(f"name: kept\nnodes: {{a: {{root: {root}}}}}\n")))
            self.assertIn("its files are lost", plan.out)
        with self.lab(RESTARTS % (1, "keep: true")):
            self.assertNotIn("lost", succeed(nslab("plan", lab_file(RESTARTS % (2, "keep: true")))).out)

    def test_of_a_user_namespace_of_its_own(self):
        more = "namespaces: {user: private}"
        with self.lab(RESTARTS % (1, more)) as lab:
            lab.shell("a", "echo hour > /root/mark")
            self.restart(lab, 2, more)
            self.assertEqual(lab.read("a", "sh", "-c", "cat /root/mark; stat -c %U /root/mark"), "hour\nroot")

    def test_a_node_that_left_begins_anew(self):
        text = "name: kept\nnodes: {%s}\n"
        with self.lab(text % "a: {}, b: {}") as lab:
            lab.shell("a", "echo hour > /root/mark")
            lab.up(text % "b: {}")
            lab.up(text % "a: {}, b: {}")
            self.assertEqual(lab.exec("a", "cat", "/root/mark").code, 1)

    def test_a_node_that_was_hostile_to_its_next_life(self):
        before = {path: path.read_bytes() for path in (Path("/etc/motd"), Path("/etc/hostname"))}
        with self.lab(RESTARTS % (1, "files: {/opt/x/motd: one}")) as lab:
            lab.shell("a", "rm -rf /opt/x; ln -s /etc /opt/x; rm /etc/hostname; ln -s /etc/motd /etc/hostname")
            self.restart(lab, 2)
            self.assertEqual(lab.read("a", "cat", "/etc/hostname"), "a")
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content)


class LabFilesFiles(NslabTest):
    def test_what_is_no_longer_asked_for(self):
        motd = Path("/etc/motd")
        text = "name: laid\nnodes: {a: {files: {%s}, setup: [%s]}}\n"
        with self.lab(text % ('/etc/motd: "one", /opt/new/x: "two"', "'true 1'")) as lab:
            lab.up(text % ("", "'true 1'"))
            self.assertEqual(lab.read("a", "cat", "/etc/motd"), motd.read_text().strip())
            self.assertEqual(lab.exec("a", "cat", "/opt/new/x").code, 1)
        with self.lab(text % ('/etc/motd: "one", /lib/new: "two"', "'true 1'")) as lab:
            lab.up(text % ("", "'true 2'"))  # which restarts the node
            self.assertEqual(lab.read("a", "cat", "/etc/motd"), motd.read_text().strip())
            self.assertEqual(lab.exec("a", "cat", "/lib/new").code, 1)

    def test_whatever_a_node_put_there_gives_way(self):
        file = "name: laid\nnodes: {a: {files: {/etc/motd: 'the lab'}}}\n"
        for thing in ("mkdir -p /etc/motd/x/y; touch /etc/motd/x/f", "mkfifo /etc/motd", "ln -s / /etc/motd",
                      "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/etc/motd\")'",
                      "echo x > /etc/motd; mount --bind /etc/passwd /etc/motd",
                      "mkdir /etc/motd; mount -t tmpfs x /etc/motd; mkdir /etc/motd/y",
                      "mkdir -p /etc/motd/x; mount -t tmpfs x /etc/motd/x; touch /etc/motd/x/y"):
            with self.subTest(thing), self.lab(file) as lab:
                lab.shell("a", f"rm -f /etc/motd; {thing}")
                lab.up(file)
                self.assertEqual(lab.read("a", "cat", "/etc/motd"), "the lab")
                lab.up("name: laid\nnodes: {a: {}}\n")

    def test_a_file_in_a_file_is_refused(self):
        for more in ("files: {/etc/motd: x, /etc/motd/y: z}", "files: {/etc/motd: x}, mounts: {/etc/motd/y: {tmpfs: 1M}}"):
            result = nslab("validate", lab_file(f"name: laid\nnodes: {{a: {{{more}}}}}\n"))
            self.assertEqual(result.code, 2, result)
            self.assertIn("'/etc/motd', which is a file", result.err)


class Modes(NslabTest):
    def test_are_the_same_whatever_the_callers_umask(self):
        text = "name: modes\nsubnets: {net: 10.7.0.0/24}\nnodes: {a: {interfaces: {eth0: net}, files: {/opt/new/x: x},"\
               " mounts: {/mnt/new/dir: {tmpfs: 1M}}}}\n"
        paths = ("/", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/run", "/tmp", "/dev", "/dev/null", "/dev/net",
                 "/dev/shm", "/opt/new", "/opt/new/x", "/mnt/new", "/mnt/new/dir")
        found = {}
        for mask in (0o022, 0o027, 0o077, 0o777, 0o000):
            before = os.umask(mask)
            try:
                with self.lab(text) as lab:
                    inside = lab.read("a", "stat", "-c", "%n %a", *paths)
                    outside = {path: oct(os.stat(path).st_mode) for path in ("/run/nslab", "/run/nslab/modes", "/run/netns")}
                    found[mask] = (inside, outside)
                    lab.read("a", "setpriv", "--reuid", "65534", "--clear-groups", "cat", "/etc/hosts", "/opt/new/x")
            finally:
                os.umask(before)
        for mask, modes in found.items():
            with self.subTest(oct(mask)):
                self.assertEqual(modes, found[0o022])
        self.assertIn("/ 755", found[0o077][0])
        self.assertEqual(found[0o077][1]["/run/netns"], oct(0o40755))


if __name__ == "__main__":
    main()
