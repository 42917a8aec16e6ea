"""What is printed where: data to stdout, all else to stderr, JSON that is JSON, colour on terminals only."""

import json
import os
import pty
import subprocess
import unittest

from nslab_test import LABS, NSLAB, NslabTest, lab_file, lab_name, main, nslab, run, succeed

LAB = """
name: output
description: For looking at
subnets: {net: 10.120.0.0/24}
nodes:
  a:
    interfaces: {eth0: net}
    limits: {memory: 64M}
    services: {http: {command: [python3, -m, http.server, "8080"], ready: {tcp: 8080}}}
  b: {interfaces: {eth0: net}}
"""


def on_terminal(*command, env=None):
    """What the program prints on a terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **(env or {})}
    process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave, stderr=slave,
                               env=environment)
    os.close(slave)
    seen = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break  # EIO: the last writer has closed it
        if not data:
            break
        seen += data
    os.close(master)
    process.wait(30)
    return seen.decode()


class Output(NslabTest):
    def test_a_labs_life_as_it_prints(self):
        with self.lab(LAB):
            for check in (self.check_plan, self.check_up, self.check_status, self.check_ls, self.check_quiet,
                          self.check_colour, self.check_json, self.check_full_disk):
                with self.subTest(check.__name__):
                    check()

    def check_plan(self):
        file = lab_file(LAB.replace("64M", "96M").replace("  b:", "  c:"), "output")
        result = self.expect(nslab("plan", file), 0)
        lines = result.out.splitlines()
        self.assertTrue([line for line in lines if line.startswith("~ cgroup:a") and "memory" in line], result)
        self.assertTrue([line for line in lines if line.startswith("+ node:c")], result)
        self.assertTrue([line for line in lines if line.startswith("- node:b")], result)
        self.assertEqual(result.err, "")
        self.assertEqual(result.out, nslab("plan", file).out, "the same every time")
        steps = {step["id"]: step for step in succeed(nslab("plan", file, "--json")).json["steps"]}
        change = steps["cgroup:a"]
        self.assertEqual((change["before"]["memory"], change["after"]["memory"]), (64 << 20, 96 << 20), change)
        self.assertEqual((steps["node:c"]["before"], steps["node:c"]["after"]["hostname"]), (None, "c"))
        self.assertEqual(steps["node:b"]["after"], None)
        graph = self.expect(nslab("plan", file, "--dot"), 0).out
        self.assertTrue(graph.startswith("digraph"), graph)
        self.expect(nslab("plan", file, "--check"), 3)
        lab_file(LAB, "output")

    def check_up(self):
        result = self.expect(nslab("up", lab_file(LAB, "output")), 0, out=["output", "nothing to do"])
        self.assertEqual(result.err, "")

    def check_status(self):
        result = self.expect(nslab("status", "output"), 0, out=["a", "b", "10.120.0.1", "/64M", "http"])
        self.assertEqual(result.err, "")
        self.assertEqual(nslab("status").out.splitlines()[0], result.out.splitlines()[0])

    def check_ls(self):
        self.expect(nslab("ls"), 0, out=["output", "For looking at", "output.yaml"])

    def check_quiet(self):
        result = self.expect(nslab("-q", "up", lab_file(LAB, "output")), 0)
        self.assertEqual((result.out, result.err), ("", ""))
        result = self.expect(nslab("up", lab_file(LAB, "output"), env={"NSLAB_QUIET": "1"}), 0)
        self.assertEqual((result.out, result.err), ("", ""))
        self.expect(nslab("-q", "validate", "/no/such/file"), 2, err="error")
        self.assertIn("observ", nslab("-vv", "up", lab_file(LAB, "output")).err)

    def check_colour(self):
        escape = "\033["
        self.assertIn(escape, on_terminal(NSLAB, "status", "output"))
        self.assertNotIn(escape, on_terminal(NSLAB, "status", "output", env={"NO_COLOR": "1"}).replace("\r\033[K", ""))
        self.assertIn(escape, on_terminal(NSLAB, "status", "output", env={"NO_COLOR": ""}))
        for command in (["status", "output"], ["ls"], ["plan", lab_file(LAB, "output")]):
            result = nslab(*command)
            self.assertNotIn("\033", result.out + result.err)

    def check_json(self):
        file = lab_file(LAB, "output")
        for command in (["plan", file], ["up", file], ["status", "output"], ["ls"], ["version"]):
            result = self.expect(nslab(*command, "--json"), 0)
            json.loads(result.out)
            self.assertEqual(result.err, "", command)
        self.assertEqual(succeed(nslab("ls", "--json")).json[0]["nodes"], 2)

    def check_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([NSLAB, "status", "output"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error", done.stderr)

    def test_down_json(self):
        succeed(nslab("up", lab_file(LAB, "output")))
        down = succeed(nslab("down", "output", "--json")).json
        self.assertEqual(down[0]["lab"], "output")
        self.assertEqual(succeed(nslab("down", "output", "--json")).json, [])
        self.assertEqual(succeed(nslab("ls", "--json")).json, [])

    def test_help_lists_every_command(self):
        text = self.expect(nslab("--help"), 0).out
        for command in ("up", "down", "plan", "validate", "ls", "status", "exec", "shell", "logs", "prune", "new",
                        "schema", "version", "completion"):
            self.assertIn(command, text)
            self.expect(nslab(command, "--help"), 0, out="--help")

    def test_version(self):
        self.assertRegex(self.expect(nslab("version"), 0).out, r"^nslab \d+\.\d+\.\d+\n$")
        self.assertEqual(nslab("--version").out, nslab("version").out)

    def test_standard_input_is_a_file_too(self):
        text = (LABS / "router.yaml").read_text()
        self.expect(nslab("validate", "-", input=text), 0)
        with self.lab(LAB):  # so that what is up does not matter
            succeed(nslab("up", "-", input=text))
            self.assertEqual(succeed(nslab("plan", "-", input=text, timeout=20)).out.count("nothing to do"), 1)
            self.assertEqual({lab["lab"] for lab in succeed(nslab("ls", "--json")).json}, {"output", "router"})
            succeed(nslab("down", "router"))

    def test_a_file_in_the_current_directory_needs_no_path(self):
        self.expect(nslab("validate", "webdb.yaml", cwd=LABS), 0)

    def test_every_lab_is_valid_and_named_as_its_file(self):
        files = sorted(LABS.glob("*.yaml"))
        self.assertGreaterEqual(len(files), 7)
        for file in files:
            self.expect(nslab("validate", file), 0)
            self.assertEqual(lab_name(file), file.stem)
            self.assertTrue(file.read_text().startswith("# "), "opens with what it shows")

    def test_schema_is_json(self):
        schema = json.loads(self.expect(nslab("schema"), 0).out)
        self.assertIn("$schema", schema)


if __name__ == "__main__":
    main()
