"""Which lab a name, a file or a path is; and that no lab takes another's place unasked."""

from pathlib import Path

from nslab_test import FILES, NSLAB, Lab, NslabTest, lab_file, main, nslab, run, succeed
from terminal import Terminal

ONE = "name: lab1\nnodes: {pc1: {}, pc2: {}}\nlinks: [pc1:eth0 -- pc2:eth0]\n"
OTHER = "name: lab1\nnodes: {pc2: {}, pc3: {}}\n"


class Identity(NslabTest):
    def setUp(self):
        self.addCleanup(nslab, "down", "--all", "--yes")
        self.addCleanup(run, "rm", "-rf", FILES / "alice", FILES / "bob")
        self.alice, self.bob = self.file("alice", ONE), self.file("bob", OTHER)

    def file(self, user, text):
        path = FILES / user / "lab1.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def labs(self):
        return [lab["lab"] for lab in succeed(nslab("ls", "--json")).json]

    def nodes(self, lab="lab1"):
        return [node["name"] for node in Lab(lab).status()["nodes"]]

    # What is nobody's.

    def test_a_path_that_is_nobodys_is_an_error(self):
        succeed(nslab("up", self.alice))
        for path in ("foo.yaml", "/nonexistent/foo.yml", f"{FILES}/alice/foo.yaml"):
            for command in ("down", "status"):
                self.expect(nslab(command, path), 1, err=f"there is no file '{path}' and no lab 'foo'")
        self.expect(nslab("down", "/nonexistent/lab1.yaml"), 1, err=["there is no file", str(self.alice)])
        for path in ("/etc/passwd", "/etc", "/dev/null", "/", ".", f"{FILES}/"):
            for command in ("down", "status"):
                self.expect(nslab(command, path), 1)
        self.assertEqual(self.labs(), ["lab1"])

    def test_a_namesake_of_the_files_own_name_stays(self):
        """A file whose name is that of a lab, and which names another lab, or is of another kind."""
        succeed(nslab("up", self.alice))
        path = FILES / "bob/lab1.yaml"
        path.write_text("name: quite-another\nnodes: {a: {}}\n")
        self.expect(nslab("down", path), 0, err="lab 'quite-another' is not up: nothing to do")
        path.write_text("services: {web: {image: nginx}}\n")
        self.expect(nslab("down", path), 1, err="does not say which lab")
        self.expect(nslab("status", path), 1)
        self.assertEqual(self.labs(), ["lab1"])

    def test_a_lab_that_is_not_up(self):
        self.expect(nslab("status", self.alice), 1, err=["lab 'lab1' is not up", f"nslab up {self.alice}"])
        self.expect(nslab("status", self.alice, "--check"), 3, err="lab 'lab1' is not up")
        self.expect(nslab("status", "lab1"), 1, err="there is no lab 'lab1'")
        self.expect(nslab("status", "lab1", "--check"), 3)
        self.expect(nslab("down", self.alice), 0, err="nothing to do")
        self.expect(nslab("exec", f"{self.alice}/pc1", "true"), 1, err="lab 'lab1' is not up")

    def test_a_name_that_was_edited(self):
        """The lab runs on, and whoever asks by the file is told how it is called."""
        succeed(nslab("up", self.alice))
        self.alice.write_text(ONE.replace("lab1", "lab2"))
        for command in ("down", "status"):
            result = nslab(command, self.alice)
            self.expect(result, 1, err=["lab 'lab2' is not up", "lab 'lab1' was brought up from this file"])
        succeed(nslab("up", self.alice))
        self.assertEqual(self.labs(), ["lab1", "lab2"])
        self.expect(nslab("down", self.alice), 0, out="lab 'lab2' is gone")
        self.assertEqual(self.labs(), ["lab1"])
        succeed(nslab("up", self.alice))
        self.alice.unlink()
        self.expect(nslab("down", self.alice), 1, err=["'lab1' and 'lab2'"])
        self.assertEqual(self.labs(), ["lab1", "lab2"])

    def test_somebody_elses_file_takes_nothing_away(self):
        succeed(nslab("up", self.alice))
        self.expect(nslab("down", self.bob), 1, err=[str(self.alice), "nslab down lab1"])
        succeed(nslab("up", "--name", "lab1-bob", self.bob))
        self.expect(nslab("down", self.bob), 1, err=[str(self.alice), "nslab down lab1-bob"])
        self.bob.write_text(ONE)
        self.expect(nslab("down", self.bob), 1, err="lab1-bob")
        self.assertEqual(self.labs(), ["lab1", "lab1-bob"])

    # Nodes

    def test_the_ways_to_name_a_node(self):
        succeed(nslab("up", self.alice))
        for target in ("pc1", "lab1/pc1", "lab1.pc1", f"{self.alice}/pc1"):
            self.assertEqual(succeed(nslab("exec", target, "hostname")).text, "pc1", target)
        self.assertEqual(succeed(nslab("exec", "lab1.yaml/pc2", "hostname", cwd=self.alice.parent)).text, "pc2")
        text = self.alice.read_text()
        for words in (["exec", "-/pc1", "hostname"], ["exec", "-/pc1", "--", "hostname"]):
            self.assertEqual(succeed(nslab(*words, input=text)).text, "pc1", words)
        self.expect(nslab("exec", "-/pc11", "hostname", input=text), 1, err="lab 'lab1' has no node 'pc11'")
        self.expect(nslab("logs", "-/pc1", input=text), 1, err="node '-/pc1' has no log")
        self.expect(nslab("exec", "lab1", "pc1"), 1, err=["'lab1' is a lab", "lab1/pc1"])
        self.expect(nslab("exec", self.alice, "pc1"), 1, err=["is a lab", "lab1/pc1"])
        for target in ("lab1/pc11", "lab1.pc11"):
            self.expect(nslab("exec", target, "true"), 1, err=["lab 'lab1' has no node 'pc11'", "did you mean"])

    def test_status_of_one_node(self):
        succeed(nslab("up", self.alice))
        for target in ("lab1/pc1", "lab1.pc1", f"{self.alice}/pc1"):
            status = succeed(nslab("status", target, "--json")).json
            self.assertEqual([node["name"] for node in status["nodes"]], ["pc1"])
            self.assertEqual(len(status["cables"]), 1)
        self.expect(nslab("status", "lab1/nosuch"), 1, err="has no node 'nosuch'")
        self.expect(nslab("status", "nosuch/pc1"), 1)
        self.expect(nslab("status", "pc1"), 1, err="nslab status lab1/pc1")

    # Another file with the same lab name

    def test_a_second_file_does_not_take_the_labs_place(self):
        succeed(nslab("up", self.alice))
        Lab("lab1").shell("pc1", "echo work >/root/work")
        before = Lab("lab1").identity("pc2")
        self.expect(nslab("up", self.bob), 1,
                    err=[str(self.alice), "remove node pc1", "--name", "--take-over"])
        self.expect(nslab("up", "-", input=OTHER), 1, err="remove node pc1")
        self.expect(nslab("plan", self.bob), 0, out="- node:pc1", err=[str(self.alice), "--take-over"])
        self.assertEqual(self.nodes(), ["pc1", "pc2"])
        self.assertEqual(Lab("lab1").identity("pc2"), before)
        self.assertEqual(Lab("lab1").shell("pc1", "cat /root/work"), "work")
        self.expect(nslab("up", self.bob, env={"NSLAB_TAKE_OVER": "1"}), 1)
        self.expect(nslab("status", "lab1"), 0, out=str(self.alice))

    def test_it_can_be_taken_over(self):
        succeed(nslab("up", self.alice))
        succeed(nslab("up", "--take-over", self.bob))
        self.assertEqual(self.nodes(), ["pc2", "pc3"])
        self.expect(nslab("up", self.alice), 1, err=[str(self.bob), "remove node"])
        self.assertEqual(self.nodes(), ["pc2", "pc3"])
        self.bob.write_text(OTHER.replace(", pc3: {}", ""))
        succeed(nslab("up", self.bob))

    def test_on_a_terminal_it_asks(self):
        succeed(nslab("up", self.alice))
        for answer, code, nodes in (("n\n", 1, ["pc1", "pc2"]), ("y\n", 0, ["pc2", "pc3"])):
            terminal = Terminal(NSLAB, "up", self.bob)
            self.addCleanup(terminal.close)
            self.assertIn("remove node pc1", terminal.read_until("[y/N]"))
            terminal.type(answer)
            self.assertEqual(terminal.end(), code, terminal.seen)
            self.assertEqual(self.nodes(), nodes)

    def test_both_at_once(self):
        succeed(nslab("up", self.alice))
        for command in ("validate", "plan", "up"):
            self.expect(nslab(command, "--name", "lab1-bob", self.bob), 0)
        self.assertEqual(self.labs(), ["lab1", "lab1-bob"])
        self.assertEqual(self.nodes("lab1-bob"), ["pc2", "pc3"])
        self.expect(nslab("plan", "--name", "lab1-bob", self.bob, "--check"), 0)
        self.expect(nslab("status", "lab1-bob", "--check"), 0)
        for name in ("Bob", "a b", "../x", "x" * 64):
            self.expect(nslab("up", "--name", name, self.bob), 2, err=["--name", "is not a name"])

    def test_what_is_the_same_file_needs_no_leave(self):
        """By another path, edited, moved, or by standard input again."""
        less = ONE.replace("pc1: {}, ", "").replace("links: [pc1:eth0 -- pc2:eth0]\n", "")

        def up(target, text, **options):
            succeed(nslab("up", "--take-over", self.file("alice", ONE)))
            self.alice.write_text(text)
            self.assertEqual(succeed(nslab("up", target, **options)).code, 0)
            self.assertEqual(self.nodes(), ["pc2"])

        up(self.alice, less)
        up("lab1.yaml", less, cwd=self.alice.parent)
        (FILES / "bob/link.yaml").symlink_to(self.alice)
        up(FILES / "bob/link.yaml", less)
        up("-", less, input=less)
        self.bob.write_text(less)
        up(self.bob, less)

        succeed(nslab("up", "--take-over", self.file("alice", ONE)))
        self.alice.parent.rename(FILES / "bob/moved")
        (FILES / "bob/moved/lab1.yaml").write_text(less)
        succeed(nslab("up", FILES / "bob/moved/lab1.yaml"))
        self.assertEqual(self.nodes(), ["pc2"])

        succeed(nslab("up", "--take-over", "-", input=ONE))
        succeed(nslab("up", "-", input=less))
        self.assertEqual(self.nodes(), ["pc2"])

    def test_another_users_file_of_that_name_is_another_where_the_first_is_gone(self):
        succeed(nslab("up", self.alice))
        self.alice.unlink()
        succeed(run("chown", "12345", self.bob))
        self.expect(nslab("up", self.bob), 1, err="remove node pc1")
        self.assertEqual(self.nodes(), ["pc1", "pc2"])

    def test_what_takes_nothing_away_may_come_from_anywhere(self):
        succeed(nslab("up", self.alice))
        self.bob.write_text(ONE.replace("pc2: {}", "pc2: {}, pc3: {}"))
        self.expect(nslab("up", self.bob), 0, err=f"it came from {self.alice}")
        self.assertEqual(self.nodes(), ["pc1", "pc2", "pc3"])


if __name__ == "__main__":
    main()
