"""What a node sees of the host's files: other file systems, what comes and goes while it runs, and
the names that every machine has."""

import os
import subprocess
from pathlib import Path

from nslab_test import FILES, NslabTest, lab_file, main, nslab, run, succeed

TOP = Path("/srv/nslab-view")
LAB = "name: view\nnodes: {a: {}, p: {namespaces: {user: private}}}\n"


class Mounts(NslabTest):
    def setUp(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "view", "/srv"], check=True)
        for name in ("mem", "under/d", "late", "src"):
            (TOP / name).mkdir(parents=True)
        (TOP / "one").write_text("")
        (TOP / "src/f").write_text("bind\n")
        subprocess.run(["mount", "-t", "tmpfs", "mem", TOP / "mem"], check=True)
        (TOP / "mem/f").write_text("mem\n")
        subprocess.run(["mount", "--bind", TOP / "src", TOP / "under/d"], check=True)
        subprocess.run(["mount", "--bind", TOP / "src/f", TOP / "one"], check=True)

    def tearDown(self):
        subprocess.run(["umount", "-R", "/srv"], check=True)

    def test_in_memory_single_files_and_what_is_below(self):
        with self.lab(LAB) as lab:
            for node in "ap":
                with self.subTest(node):
                    self.assertEqual(lab.read(node, "cat", TOP / "mem/f", TOP / "under/d/f", TOP / "one"), "mem\nbind\nbind")
                    lab.shell(node, f"echo own > {TOP}/mem/f; echo own > {TOP}/mem/new; ! echo own > {TOP}/one")
                    self.assertEqual(lab.read(node, "cat", TOP / "mem/f"), "own")
            self.assertEqual((TOP / "mem/f").read_text(), "mem\n")
            self.assertFalse((TOP / "mem/new").exists())
            self.assert_nothing_to_do(FILES / "view.yaml")

    def test_what_is_mounted_later_is_drift_and_mended(self):
        with self.lab(LAB) as lab:
            lab.shell("a", "echo hour > /root/mark")
            subprocess.run(["mount", "--bind", TOP / "src", TOP / "late"], check=True)
            plan = nslab("plan", "--check", FILES / "view.yaml")
            self.assertEqual(plan.code, 3, plan)
            self.assertIn(f"{TOP}/late is new", plan.out)
            self.assertNotIn("lost", plan.out)
            lab.up(LAB)
            self.assertEqual(lab.read("a", "cat", TOP / "late/f", "/root/mark"), "bind\nhour")
            self.assert_nothing_to_do(FILES / "view.yaml")
            subprocess.run(["umount", TOP / "late"], check=True)
            self.assertIn(f"{TOP}/late is gone", nslab("plan", FILES / "view.yaml").out)
            lab.up(LAB)
            self.assert_nothing_to_do(FILES / "view.yaml")

    def test_what_is_replaced_under_a_bind_is_drift_and_mended(self):
        """As an editor, git and mv do it."""
        (TOP / "own").mkdir()
        (TOP / "own/f").write_text("old\n")
        text = ("name: view\nnodes:\n  a:\n    mounts:\n"
                f"      /etc/app.conf: {{bind: {TOP}/own/f, read_only: true}}\n      /app: {TOP}/under\n")
        with self.lab(text) as lab:
            self.assert_nothing_to_do(FILES / "view.yaml")
            (TOP / "own/new").write_text("new\n")
            (TOP / "own/new").rename(TOP / "own/f")
            plan = nslab("plan", "--check", FILES / "view.yaml")
            self.assertEqual(plan.code, 3, plan)
            self.assertIn("mount:a/etc/app.conf", plan.out)
            self.assertNotIn("mount:a/app", plan.out)
            lab.up(text)
            self.assertEqual(lab.read("a", "cat", "/etc/app.conf"), "new")
            self.assert_nothing_to_do(FILES / "view.yaml")
            (TOP / "own/f").unlink()
            self.expect(nslab("up", FILES / "view.yaml"), 1, err=f"there is no '{TOP}/own/f'")
            self.assertEqual(lab.read("a", "cat", "/etc/app.conf"), "new")

    def test_what_is_no_drift(self):
        """A file that is another one for each process, and what the node's root may not look into."""
        (TOP / "own/z").mkdir(parents=True)
        text = ("name: view\nnodes:\n  a: {mounts: {/mnt/m: /proc/mounts, /mnt/t: /etc/mtab}}\n"
                f"  p:\n    namespaces: {{user: private}}\n    mounts: {{/y: {TOP}/own, /y/z: {{tmpfs: 2M}}}}\n")
        with self.lab(text):
            self.assert_nothing_to_do(FILES / "view.yaml")
            (TOP / "own").chmod(0o700)
            self.assert_nothing_to_do(FILES / "view.yaml")

    def test_a_files_entry_over_a_single_file_of_the_hosts(self):
        text = f"name: view\nnodes: {{a: {{files: {{{TOP}/one: mine}}}}}}\n"
        with self.lab(text) as lab:
            self.assertEqual(lab.read("a", "cat", TOP / "one"), "mine")
        self.assertEqual((TOP / "src/f").read_text(), "bind\n")


class Boot(NslabTest):
    def test_what_is_below_run(self):
        with self.lab(LAB) as lab:
            for node in "ap":
                with self.subTest(node):
                    lab.shell(node, "touch /var/lock/x; rm /var/lock/x")
                    self.assertEqual(lab.read(node, "stat", "-c", "%a %U", "/run/lock", "/run"), "1777 root\n755 root")
                    self.assertFalse(lab.read(node, "ls", "/run").split().count("systemd"))
                    lab.shell(node, "setpriv --reuid 65534 --clear-groups touch /run/lock/nobody")

    def test_of_another_root(self):
        root = FILES / "machine"
        for directory in ("etc/tmpfiles.d", "usr/lib/tmpfiles.d", "usr/lib/systemd/system", "bin"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\nutmp:x:43:\ndata:x:77:\n")
        (root / "usr/lib/tmpfiles.d/a.conf").write_text(
            "# a comment\nd /run/one 2775 web data -\nD /var/run/two/inner 0750 77 - -\nL /run/link - - - - one\n"
            "d /run/systemd/system 0755 root root\nd /run/nobody 0755 nosuch root\nd /run/%u 0755\nd /srv/x 0755\nbroken\n")
        (root / "usr/lib/tmpfiles.d/b.conf").write_text("d /run/hidden 0755\n")
        (root / "etc/tmpfiles.d/b.conf").symlink_to("/dev/null") if not (root / "etc/tmpfiles.d/b.conf").is_symlink() else None
        (root / "usr/lib/systemd/system/d.service").write_text(
            "[Service]\nUser=web\nRuntimeDirectory=daemon %N/x\nRuntimeDirectoryMode=0710\n")
        for more in ("", ", namespaces: {user: private}"):
            with self.subTest(more), self.lab(f"name: view\nnodes: {{a: {{root: {root}{more}}}}}\n") as lab:
                run_dir = Path(f"/proc/{lab.init('a')}/root/run")
                first = 0 if not more else os.stat(f"/proc/{lab.init('a')}/root").st_uid
                found = {}
                for each in sorted(run_dir.rglob("*")):
                    info = each.lstat()
                    found[str(each.relative_to(run_dir))] = (oct(info.st_mode)[-4:], info.st_uid - first, info.st_gid - first)
                self.assertEqual(found, {
                    "d": ("0755", 0, 0), "d/x": ("0710", 33, 34), "daemon": ("0710", 33, 34), "link": ("0777", 0, 0),
                    "lock": ("1777", 0, 0), "one": ("2775", 33, 77), "two": ("0755", 0, 0), "two/inner": ("0750", 77, 0),
                    "utmp": ("0664", 0, 43)})

    def test_a_machine_id_of_its_own(self):
        text = "name: view\nnodes: {a: {setup: ['true %s']}, b: {}}\n"
        with self.lab(text % 1) as lab:
            ids = [lab.read(node, "cat", "/etc/machine-id") for node in "ab"]
            for each in ids:
                self.assertRegex(each, "^[0-9a-f]{32}$")
            self.assertNotEqual(*ids)
            lab.up(text % 2)
            self.assertEqual(lab.read("a", "cat", "/etc/machine-id"), ids[0])


class Owners(NslabTest):
    def test_of_files_directories_and_tmpfs(self):
        for more in ("", "namespaces: {user: private},"):
            text = ("name: owned\nnodes: {a: {%s files: {/opt/f: {content: x, owner: 'daemon:mail', mode: '4750'}},"
                    " directories: {/run/d: {owner: %s, mode: '2770'}, /opt/plain: },"
                    " mounts: {/opt/t: {tmpfs: 1M, owner: daemon, mode: '0700'}, /opt/u: {tmpfs: 1M}, /var/tmp: {tmpfs: 1M}}}}\n")
            with self.subTest(more), self.lab(text % (more, "daemon")) as lab:
                def look(*paths):
                    return lab.read("a", "stat", "-c", "%U:%G %a", *paths).splitlines()
                self.assertEqual(look("/opt/f", "/run/d", "/opt/plain", "/opt/t", "/opt/u", "/var/tmp"),
                                 ["daemon:mail 4750", "daemon:daemon 2770", "root:root 755", "daemon:daemon 700",
                                  "root:root 755", "root:root 1777"])
                self.assert_nothing_to_do(FILES / "owned.yaml")
                lab.shell("a", "chown root /opt/f; chmod 700 /run/d; rmdir /opt/plain")
                self.assertEqual(self.plan(FILES / "owned.yaml"), [("change", "directory:a/run/d"), ("change", "file:a/opt/f"),
                                                                 ("create", "directory:a/opt/plain")])
                lab.up(text % (more, "mail"))
                self.assertEqual(look("/opt/f", "/run/d"), ["daemon:mail 4750", "mail:mail 2770"])

    def test_of_nobody_that_the_node_knows(self):
        result = nslab("up", lab_file("name: owned\nnodes: {a: {directories: {/opt/x: {owner: nosuch}}}}\n"))
        self.expect(result, 1, err=["owned.yaml:2:", "the node has no user or group such as nosuch"])


class Names(NslabTest):
    def hosts(self, lab, node, name):
        return lab.read(node, "getent", "hosts", name).split()

    def test_its_own(self):
        with self.lab("name: names\nsubnets: {net: 10.9.0.0/24, six: 'fd00:9::/64'}\nlinks: ['bare:e1 -- alone:e1']\n"
                      "nodes:\n  alone: {hostname: self}\n  bare: \n  web: {hostname: web.example.org, interfaces: {eth0: net, eth1: net}}\n"
                      "  v6: {interfaces: {eth0: six}}\n  pod: {namespaces: {net: 'node:web'}}\n"
                      "  uts: {namespaces: {uts: 'node:alone'}}\n") as lab:
            for node in ("alone", "bare", "web", "v6", "pod", "uts"):
                with self.subTest(node):
                    own = lab.read(node, "hostname")
                    self.assertIn(own, self.hosts(lab, node, own)[1:])
                    lab.read(node, "getent", "ahosts", own)
            self.assertEqual(self.hosts(lab, "alone", "self"), ["127.0.1.1", "self", "alone"])
            self.assertEqual(lab.read("web", "hostname", "-f"), "web.example.org")
            self.assertEqual(self.hosts(lab, "v6", "web")[1], "web.example.org")
            self.assertEqual(lab.read("web", "getent", "ahostsv4", "web").split()[0], "10.9.0.1")
            self.assertEqual(lab.exec("web", "getent", "hosts", "self").code, 2)


class Installed(NslabTest):
    def test_what_was_looked_for_before_and_what_is_replaced(self):
        tool = Path("/usr/local/bin/nslab-test-tool")
        try:
            with self.lab(LAB) as lab:
                for text in ("one", "two"):
                    for node in "ap":
                        lab.exec(node, tool.name)
                    new = tool.with_suffix(".new")
                    new.write_text(f"#!/bin/sh\necho {text}\n")
                    new.chmod(0o755)
                    new.rename(tool)
                    for node in "ap":
                        self.assertEqual(lab.read(node, tool.name), text)
                tool.unlink()
                for node in "ap":
                    self.assertEqual(lab.exec(node, tool.name).code, 127)
        finally:
            tool.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
