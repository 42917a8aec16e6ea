"""What is told of a command line that is wrong, or of a command that did not come off: what happened, and a line to
type. Each of these was met, and rated, by somebody who had not read a manual."""

import os
import shutil
import subprocess
import unittest

from nslab_test import (FILES, NSLAB, NslabTest, bring_up, killed_at_the_end, lab_file, main, nslab, residue, run,
                        succeed)
from terminal import Terminal

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

LAB = """
name: told
nodes:
  web: {services: {http: {command: [sleep, infinity]}}}
  db: {}
"""

# (command line, exit status, what is wrong, what to do)
TOLD = [
    ([], 2, "a command is missing", "'nslab up FILE' brings a lab up"),
    (["--nonsense"], 2, "there is no option '--nonsense'", "'nslab --help'"),
    (["help", "nonsense"], 2, "there is no command 'nonsense'", "'nslab --help' lists the commands"),
    # What other tools call it.
    (["destroy", "told"], 2, "there is no command 'destroy'", "'nslab down LAB' takes a lab away"),
    (["stop", "told"], 2, "no command 'stop'", "'nslab down LAB'"),
    (["start", "x.yaml"], 2, "no command 'start'", "'nslab up FILE'"),
    (["deploy", "-t", "x.yaml"], 2, "no command 'deploy'", "'nslab up FILE'"),
    (["restart", "web"], 2, "no command 'restart'", "'nslab up FILE'"),
    (["cp", "a", "b"], 2, "no command 'cp'", "'nslab exec NODE -- cat FILE >COPY'"),
    (["ps"], 2, "no command 'ps'", "'nslab status' shows"),
    (["inspect", "--all"], 2, "no command 'inspect'", "'nslab status'"),
    (["list"], 2, "no command 'list'", "'nslab ls'"),
    (["ssh", "web"], 2, "no command 'ssh'", "'nslab shell NODE'"),
    (["attach", "web"], 2, "no command 'attach'", "'nslab shell NODE'"),
    (["clean"], 2, "no command 'clean'", "'nslab prune'"),
    (["check", "x.yaml"], 2, "no command 'check'", "'nslab validate FILE'"),
    (["ping", "db"], 2, "no command 'ping'", "'nslab exec NODE -- ping ...'"),
    (["web", "ping", "-c1", "db"], 2, "no command 'web'", "it is a node: 'nslab exec web -- ping -c1 db'"),
    (["told"], 2, "no command 'told'", "it is a lab: 'nslab status told'"),
    (["told.yaml"], 2, "no command 'told.yaml'", "it is a file: 'nslab up told.yaml'"),
    (["statsu"], 2, "no command 'statsu'", "did you mean 'status'?"),
    (["destory"], 2, "no command 'destory'", "'nslab down LAB'"),
    # Options.
    (["up", "--jsno", "told.yaml"], 2, "'up' has no option '--jsno'", "did you mean '--json'?"),
    (["up", "--nonsense=3", "told.yaml"], 2, "'up' has no option '--nonsense'", "it has --keep, --take-over"),
    (["up", "-t", "told.yaml"], 2, "'up' has no option '-t'", "'nslab up FILE'"),
    (["up", "-d", "told.yaml"], 2, "'up' has no option '-d'", "in the background anyway"),
    (["status", "--all"], 2, "'status' has no option '--all'", "--full prints every row"),
    (["exec", "-u", "root", "web", "id"], 2, "'exec' has no option '-u'", "runuser -u USER"),
    (["logs", "-n", "5", "web"], 2, "'logs' has no option '-n'", "tail -n N"),
    (["logs", "-n5", "web"], 2, "'logs' has no option '-n5'", "tail -n N"),
    (["--json", "ls"], 2, "'--json' stands before the command", "nslab ls --json"),
    (["new", "line", "--nodes", "ten"], 2, "--nodes takes a number, not 'ten'", "'nslab new --help'"),
    (["new", "line", "--nodes"], 2, "--nodes takes a value", "'nslab new --help'"),
    (["up", "told.yaml", "more.yaml"], 2, "'more.yaml' is one word too many for 'up'", "one file at a time"),
    (["shell", "web", "ls"], 2, "'ls' is one word too many for 'shell'", "'nslab exec NODE -- ls'"),
    (["up"], 2, "FILE is required", "such as 'nslab up told.yaml'"),
    (["exec", "web"], 2, "COMMAND is required", "'nslab shell web' opens a shell"),
    # Commands that are none.
    (["exec", "web", "ls | cat"], 127, "'ls | cat' is not found in node 'web'", "nslab exec web -- sh -c 'ls | cat'"),
    (["exec", "web", "--", "echo it's $x"], 127, "is not found", r"nslab exec web -- sh -c 'echo it'\''s $x'"),
    (["exec", "web", "ls -l /"], 127, "'ls -l /' is not found", "nslab exec web -- ls -l /"),
    (["exec", "web", "cd", "/tmp"], 127, "'cd' is not found", "nslab exec web -- sh -c 'cd /tmp'"),
    (["exec", "web", "A=b", "env"], 127, "'A=b' is not found", "nslab exec web -- env A=b env"),
    (["exec", "web", "-it", "--", "sh"], 127, "'-it' is not found", "nslab exec -it web -- COMMAND"),
    (["exec", "web", "pythno3"], 127, "'pythno3' is not found in node 'web'", "did you mean 'python3'?"),
    (["exec", "web", "wholly-absent"], 127, "'wholly-absent' is not found", "what is installed there it has at once"),
    (["exec", "web", "/no/such"], 127, "'/no/such' is not found", "the node has no such file"),
    (["exec", "web", ""], 127, "'' is not found", "a variable that is not set"),
    (["exec", "web", "/etc/hosts"], 126, "Permission denied (EACCES)", "'sh FILE' reads a script without"),
    # Names.
    (["exec", "told:web", "ls"], 1, "there is no node 'told:web'", "did you mean 'told/web'?"),
    (["exec", "WEB", "ls"], 1, "there is no node 'WEB'", "did you mean 'web'?"),
    (["logs", "web", "htpt"], 1, "no log 'htpt'", "its logs are"),
]

# (a lab that does not come up, what is wrong, what to do)
NOT_UP = [
    ("a: {services: {w: {command: [pythno3]}}}", "pythno3: No such file", "did you mean 'python3'?"),
    ("a: {services: {w: {command: [sleep 1000]}}}", "sleep 1000: No such file", "each word stands by itself"),
    ("a: {services: {w: {command: [/etc/passwd]}}}", "/etc/passwd: Permission denied", "x bit"),
    ("a: {setup: [[pythno3]]}", "pythno3: No such file", "did you mean 'python3'?"),
    ("a: {limits: {pids: 1}, services: {w: {command: [sleep, '1000']}}}", "cannot be started", "raise 'pids'"),
]


class Messages(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        cls.directory = FILES / "here"
        cls.directory.mkdir()
        shutil.copy(lab_file(LAB), cls.directory)
        cls.running = bring_up(FILES / "told.yaml")

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "told"))
        found = residue.settled(cls.before)
        assert not found, found

    def test_what_is_wrong_and_what_to_do(self):
        for words, status, wrong, to_do in TOLD:
            with self.subTest(words=words):
                result = self.expect(nslab(*words, cwd=self.directory), status)
                error, hint, *rest = result.err.splitlines()
                self.assertEqual(error[:7], "error: ")
                self.assertIn(wrong, error)
                self.assertEqual(hint[:6], "hint: ")
                self.assertIn(to_do, hint)
                self.assertEqual((rest, result.out), ([], ""))

    def test_what_a_hint_says_can_be_typed(self):
        for line in ("exec web -- sh -c 'ls / | cat'", "exec web -- env A=b env", "exec web -- sh -c 'cd /tmp'",
                     "exec web -- cat /etc/hostname >COPY", "exec web -- tee /root/x <COPY >/dev/null",
                     "exec web -- env -C /etc ls", "exec web -- runuser -u nobody -- id", "help up", "help", "-V"):
            succeed(run("sh", "-c", f"{NSLAB} {line}", cwd=self.directory))

    def test_a_variable_that_is_no_switch(self):
        result = nslab("ls", env={"NSLAB_JSON": "maybe"})
        self.expect(result, 2, err=["NSLAB_JSON is 'maybe'", "unset NSLAB_JSON"])

    def test_help_is_a_word_too(self):
        self.assertEqual(nslab("help").out, nslab("--help").out)
        self.assertEqual(self.expect(nslab("help", "up"), 0).out, nslab("up", "--help").out)
        self.assertIn("what each phase took", nslab("help").out)

    def test_quiet_leaves_out_what_nobody_asked_for(self):
        file = self.directory / "told.yaml"
        self.assertEqual(nslab("plan", file).out, "nothing to do\n")
        result = self.expect(nslab("-q", "plan", file), 0)
        self.assertEqual((result.out, result.err), ("", ""))
        changed = lab_file(LAB + "  more: {}\n", "told")
        steps = nslab("plan", changed).out.splitlines()
        self.assertEqual(nslab("-q", "plan", changed).out.splitlines(), steps[:-1])
        self.assertIn("to create", steps[-1])
        self.assertIn("told", nslab("-q", "ls").out)

    def test_a_shell_without_a_terminal_reads_a_script(self):
        for command in ("shell", "exec"):
            words = [command, "web"] + ([] if command == "shell" else ["--", "bash"])
            result = nslab(*words, input="hostname\nexit 7\n")
            self.assertEqual((result.code, result.out, result.err), (7, "web\n", ""))
        self.assertEqual(nslab("shell", "web").code, 0)

    def test_a_shell_on_a_terminal_is_interactive(self):
        terminal = Terminal(NSLAB, "shell", "web")
        self.addCleanup(terminal.close)
        terminal.type("echo $-; exit\n")
        self.assertRegex(terminal.read_until("exit\r\n"), "i")
        terminal.end()

    def test_who_is_not_root_hears_that_there_is_more(self):
        with open(NSLAB, "rb") as program:
            result = run(*NOBODY, f"/proc/self/fd/{program.fileno()}", "ls", pass_fds=[program.fileno()])
            self.expect(result, 0, out="told  unknown  2", err="as root, with sudo for example, ls says more")
        self.assertEqual(nslab("ls").err, "")

    def test_a_log_that_is_not_to_be_read_is_no_empty_log(self):
        log = "/run/nslab/told/log/web/http.log"
        mode = os.stat(log).st_mode
        os.chmod(log, 0o600)
        try:
            with open(NSLAB, "rb") as program:
                result = run(*NOBODY, f"/proc/self/fd/{program.fileno()}", "logs", "web", "http",
                             pass_fds=[program.fileno()])
        finally:
            os.chmod(log, mode)
        self.expect(result, 1, err=[f"reading '{log}': Permission denied", "run it as root"])

    def test_a_lab_that_does_not_come_up(self):
        for nodes, wrong, to_do in NOT_UP:
            with self.subTest(nodes=nodes):
                result = self.expect(nslab("up", lab_file(f"name: notup\nnodes:\n  {nodes}\n")), 1, err=wrong)
                self.assertIn(to_do, [line for line in result.err.splitlines() if line.startswith("hint: ")][0])

    def test_another_state_directory_is_told_once(self):
        file = lab_file("name: elsewhere\nnodes: {a: {}, b: {}, c: {}}\n")
        other = {"NSLAB_STATE_DIR": "/run/elsewhere"}
        succeed(nslab("up", file, env=other))
        result = self.expect(nslab("up", file), 1, err=["another state directory: '/run/elsewhere'",
                                                        "NSLAB_STATE_DIR=/run/elsewhere nslab down elsewhere"])
        self.assertEqual(result.err.count("error:"), 1, result)
        succeed(nslab("down", "elsewhere", env=other))

    def test_down_all_where_there_is_nothing(self):
        self.expect(nslab("down", "--all", "--yes", env={"NSLAB_STATE_DIR": "/run/nowhere"}), 0,
                    err="no lab is up: nothing to do")

    def test_a_node_that_goes_down_on_the_way_into_it(self):
        """In words, whichever step it was that failed."""
        file = lab_file("name: going\nnodes: {a: {}}\n")
        for _ in range(6):
            succeed(nslab("up", file))
            script = f"while {NSLAB} exec going/a -- true; do :; done"
            with subprocess.Popen(["sh", "-c", f"{script} & {script} & {script} & {script} & wait"],
                                  stderr=subprocess.PIPE, text=True) as trying:
                with killed_at_the_end(trying):
                    succeed(nslab("down", "going"))
                    told = trying.stderr.read()
            for line in told.splitlines():
                self.assertRegex(line, "^(error: node 'a' (is down|went down on the way into it)"
                                 "|error: (there is no lab 'going' on this host|lab 'going' has no node 'a')"
                                 "|hint: .*)$", told)


if __name__ == "__main__":
    main()
