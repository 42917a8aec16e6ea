"""moby #26051, #22145, #33563, #41670, containers/podman #24309: what is mounted or written inside
a bind mount leaves directories and files on the host, or overwrites the user's own."""

import os
import signal
import subprocess
from pathlib import Path

from nslab_test import FILES, NSLAB, Lab, NslabTest, lab_file, main, nslab, residue, succeed


def tree(top):
    """{path: what it holds} of all that is below a directory of the host."""
    return {str(each.relative_to(top)): each.read_text() if each.is_file() else None for each in Path(top).rglob("*")}


class Binds(NslabTest):
    def setUp(self):
        self.top = FILES / "site"
        succeed_in_removing(self.top)
        (self.top / "inner").mkdir(parents=True)
        (self.top / "own.conf").write_text("my own work\n")
        (self.top / "inner/own.conf").write_text("mine too\n")
        (self.top / "link").symlink_to("own.conf")
        self.before = tree(self.top)

    def tearDown(self):
        self.assertEqual(tree(self.top), self.before)
        succeed_in_removing(self.top)

    def refused(self, nodes, *words):
        file = lab_file(f"name: binds\nnodes: {{a: {nodes}}}\n")
        before = residue.snapshot()
        for command in ("plan", "up"):
            result = nslab(command, file)
            self.assertNotEqual(result.code, 0, result)
            for word in (*words, "binds.yaml:2:"):
                self.assertIn(word, result.err)
        self.assert_no_residue(before)

    def test_a_file_covers_the_hosts(self):
        files = '{/site/own.conf: "the lab\'s\\n", /site/inner/own.conf: "also\\n"}'
        for more in ("", ", namespaces: {user: private}"):
            with self.subTest(more), self.lab(
                    f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {files}{more}}}}}\n") as lab:
                self.assertEqual(lab.read("a", "cat", "/site/own.conf", "/site/inner/own.conf"), "the lab's\nalso")
                self.assertEqual(tree(self.top), self.before)
                lab.shell("a", "echo changed > /site/own.conf")
                plan = nslab("plan", "--check", FILES / "binds.yaml")
                self.assertIn("file:a/site/own.conf", plan.out)
                lab.up(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {files}{more}}}}}\n")
                self.assertEqual(lab.read("a", "cat", "/site/own.conf"), "the lab's")
                lab.up(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}{more}}}}}\n")
                self.assertEqual(lab.read("a", "cat", "/site/own.conf"), "my own work")

    def test_the_plan_says_so(self):
        file = lab_file(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {{/site/own.conf: x}}}}}}\n")
        self.assertIn(f"covers the host's {self.top}/own.conf", succeed(nslab("plan", file)).out)

    def test_a_file_that_the_host_has_not(self):
        mounts = f"mounts: {{/site: {self.top}}}"
        self.refused(f"{{{mounts}, files: {{/site/new.conf: x}}}}", "would be made on the host", "touch")
        self.refused(f"{{{mounts}, files: {{/site/new/dir/x: x}}}}", "would be made on the host")
        self.refused(f"{{{mounts}, files: {{/site/link: x}}}}", "of the host, which is no file")

    def test_mount_points_that_the_host_has_not(self):
        for target, what in (("/site/tmp", "{tmpfs: 1M}"), ("/site/deep/er", str(self.top / "inner")),
                             ("/site/one.conf", str(self.top / "own.conf"))):
            self.refused(f"{{mounts: {{/site: {self.top}, {target}: {what}}}}}", "nslab makes none there",
                         "mkdir -p" if "conf" not in target else "touch")
        self.refused(f"{{mounts: {{/site: {self.top}, /site/link: {self.top}/own.conf}}}}", "symbolic link")
        self.refused("{root: host, mounts: {/srv/nslab-test-new: {tmpfs: 1M}}}", "nslab makes none there")

    def test_mount_points_that_the_host_has(self):
        with self.lab(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}, /site/inner: {{tmpfs: 1M}}}},"
                      " files: {/site/inner/new/x: x}}}\n") as lab:
            self.assertEqual(lab.read("a", "cat", "/site/inner/new/x", "/site/own.conf"), "xmy own work")

    def test_a_link_of_the_nodes_that_leads_there(self):
        with self.lab(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}}}}}\n") as lab:
            lab.shell("a", "ln -s /site /opt/aside")
            text = f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {{/opt/aside/%s: x}}}}}}\n"
            lab.up(text % "own.conf")
            self.assertEqual(lab.read("a", "cat", "/site/own.conf"), "x")
            result = self.expect(nslab("up", lab_file(text % "new/x")), 1,
                                 err="nslab makes no directory in what is mounted from the host")
            self.assertNotIn("could not be put back", result.err)
            self.assertEqual(lab.read("a", "cat", "/site/own.conf"), "x")

    def test_two_nodes_share_one(self):
        with self.lab(f"name: binds\ndefaults: {{mounts: {{/site: {self.top}}}}}\n"
                      "nodes: {a: {files: {/site/own.conf: a}}, b: {files: {/site/own.conf: b}}, c: {}}\n") as lab:
            self.assertEqual([lab.read(node, "cat", "/site/own.conf") for node in "abc"], ["a", "b", "my own work"])

    def test_a_failed_up_and_a_killed_one(self):
        file = lab_file(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {{/site/own.conf: x}},"
                        " setup: ['exit 3']}}\n")
        self.assertEqual(nslab("up", file).code, 1)
        file = lab_file(f"name: binds\nnodes: {{a: {{mounts: {{/site: {self.top}}}, files: {{/site/own.conf: x}},"
                        " setup: ['touch /run/here; sleep infinity']}}\n")
        up = subprocess.Popen([NSLAB, "up", file], stderr=subprocess.DEVNULL)
        try:
            lab = Lab("binds")
            from nslab_test import eventually
            eventually(lambda: nslab("exec", "binds/a", "--", "test", "-e", "/run/here").code == 0, "setup runs")
        finally:
            os.kill(up.pid, signal.SIGKILL)
            up.wait()
        self.assertEqual(lab.read("a", "cat", "/site/own.conf"), "x")
        succeed(nslab("down", "binds"))

    def test_a_host_name_that_changes(self):
        (self.top / "hostname").write_text("the host's\n")
        self.before = tree(self.top)
        text = f"name: binds\nnodes: {{a: {{hostname: %s, mounts: {{/etc/dir: {self.top}, /etc/hostname: {self.top}/hostname}}}}}}\n"
        with self.lab(text % "one") as lab:
            lab.up(text % "two")
            self.assertEqual(lab.read("a", "hostname"), "two")

    def test_a_file_and_a_directory(self):
        self.refused(f"{{mounts: {{/srv: {self.top}/own.conf}}}}", "'/srv' of node 'a' is a directory", "is a file")
        self.refused(f"{{mounts: {{/etc/passwd: {self.top}}}}}", "'/etc/passwd' of node 'a' is a file", "is a directory")


def succeed_in_removing(top):
    subprocess.run(["rm", "-rf", top], check=True)


if __name__ == "__main__":
    main()
