"""nslab exec and shell: the command's own exit status, its pipes, its signals, its terminal."""

import os
import pty
import signal
import subprocess
import tempfile
import termios
import unittest

from nslab_test import (NSLAB, NslabTest, bring_up, eventually, killed_by, lab_file, main, nslab,
                        residue, run, succeed)
from terminal import Terminal

LAB = """
name: exec
nodes:
  one:
    environment: {COLOUR: "dark red"}
    limits: {pids: 100}
  two: {}
"""


class Exec(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        cls.running = bring_up(lab_file(LAB, "exec"))

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "exec"))
        found = residue.settled(cls.before)
        assert not found, found

    def run_in(self, *command, **options):
        return self.running.exec("one", *command, **options)

    def assert_only_init(self):
        """Whatever was started is gone from the node."""
        eventually(lambda: len(self.running.processes("one")) == 1, "only the init is left")

    # Exit statuses

    def test_the_exit_status_is_the_commands(self):
        for code in (0, 1, 2, 3, 42, 255):
            self.assertEqual(self.run_in("sh", "-c", f"exit {code}").code, code)

    def test_a_command_that_is_not_there_is_127(self):
        self.expect(self.run_in("no-such-command"), 127, err="no-such-command")
        self.expect(self.run_in("/no/such/command"), 127, err="/no/such/command")

    def test_a_command_that_is_not_executable_is_126(self):
        self.expect(self.run_in("/etc/passwd"), 126, err="/etc/passwd")
        self.expect(self.run_in("/etc"), 126, err="/etc")

    def test_a_command_that_a_signal_killed_is_128_and_the_signal(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            self.assertEqual(self.run_in("sh", "-c", f"kill -{int(number)} $$").code, killed_by(number))

    def test_no_such_node_and_no_such_lab(self):
        self.expect(nslab("exec", "exec/three", "--", "true"), 1, err=["'three'"])
        self.expect(nslab("exec", "nolab/one", "--", "true"), 1, err=["'nolab'"])

    def test_no_command_is_a_usage_error(self):
        self.expect(nslab("exec", "one"), 2)
        self.expect(nslab("exec"), 2)

    # The command line

    def test_arguments_arrive_as_they_were_given(self):
        words = ["", " ", "a b", "[a,b]", "[ -f a ]", "[]", "$HOME", "*", "'", '"', "\\", "-x", "--help", "--", "ä\n"]
        script = 'import sys; sys.stdout.buffer.write(b"\\0".join(map(__import__("os").fsencode, sys.argv[1:])))'
        result = succeed(self.run_in("python3", "-c", script, *words))
        self.assertEqual(result.out.split("\0"), words)

    def test_the_lab_may_be_left_out_and_so_may_the_dashes(self):
        self.assertEqual(succeed(nslab("exec", "one", "--", "hostname")).text, "one")
        self.assertEqual(succeed(nslab("exec", "one", "hostname")).text, "one")
        self.assertEqual(succeed(nslab("exec", "two", "sh", "-c", "hostname; exit 0")).text, "two")
        self.assertEqual(succeed(nslab("exec", "-it", "one", "hostname")).text, "one")

    def test_options_after_the_command_are_the_commands(self):
        self.assertIn("coreutils", succeed(nslab("exec", "one", "ls", "--version")).out)
        self.assertEqual(succeed(nslab("exec", "one", "echo", "-v", "-q", "--json")).text, "-v -q --json")

    # Standard input and output

    def test_pipes_stay_pipes_and_binary_data_stays_whole(self):
        data = bytes(range(256)) * 8192
        result = self.run_in("cat", input=data, binary=True)
        self.assertEqual(result.code, 0)
        self.assertEqual(result.out == data, True, f"{len(result.out)} of {len(data)} bytes")
        self.assertEqual(self.run_in("sh", "-c", "test -t 0 || test -t 1 || test -p /dev/stdin", input="").code, 0)

    def test_the_end_of_input_arrives(self):
        self.assertEqual(self.run_in("wc", "-c", input="four").text, "4")
        self.assertEqual(self.run_in("wc", "-c").text, "0")

    def test_output_and_errors_are_apart(self):
        result = self.run_in("sh", "-c", "echo out; echo err >&2")
        self.assertEqual((result.out, result.err), ("out\n", "err\n"))

    def test_a_reader_that_goes_ends_the_command(self):
        script = f"'{NSLAB}' exec one -- yes | head -n 1"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout, "y\n")
        self.assert_only_init()

    # Where it runs

    def test_it_is_in_the_namespaces_and_the_cgroup_of_its_node(self):
        for kind in ("net", "pid", "mnt", "uts", "ipc", "cgroup"):
            self.assertEqual(self.running.read("one", "readlink", f"/proc/self/ns/{kind}"),
                             self.running.read("one", "readlink", f"/proc/1/ns/{kind}"), kind)
        with subprocess.Popen([NSLAB, "exec", "one", "--", "cat"], stdin=subprocess.PIPE) as process:
            eventually(lambda: len(self.running.processes("one")) == 2, "it is in the node's cgroup")
            process.stdin.close()
        self.assertIn("0::/", self.running.read("one", "cat", "/proc/self/cgroup").splitlines())

    def test_it_has_the_environment_and_the_limits_of_its_node(self):
        self.assertEqual(self.running.shell("one", "echo $COLOUR"), "dark red")
        self.assertEqual(self.running.shell("two", "echo $COLOUR"), "")
        self.assertIn("/usr/bin", self.running.shell("one", "echo $PATH"))

    def test_nothing_of_the_caller_leaks_in(self):
        self.assertEqual(self.running.shell("one", "ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3")
        self.assertEqual(self.running.shell("one", "echo $SECRET", env={"SECRET": "x"}), "")
        mask = self.running.shell("one", "grep -E 'Sig(Blk|Ign)' /proc/self/status | awk '{print $2}'")
        self.assertEqual(set(mask.split()), {"0000000000000000"})

    # Signals

    def spawn(self, *command):
        process = subprocess.Popen([NSLAB, "exec", "one", "--", *command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_signals_are_passed_on(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
            # Waited for, not handled: a handler that runs before pause(2) has begun is not heard of by it.
            process = self.spawn("python3", "-c", "import os, signal\n"
                                 f"signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}])\n"
                                 "print('ready', flush=True)\n"
                                 f"os._exit(40 + signal.sigwait([{int(number)}]))")
            process.send_signal(number)
            self.assertEqual(process.wait(10), 40 + number)
        self.assert_only_init()

    def test_a_signal_that_kills_the_command_shows_in_the_exit_status(self):
        process = self.spawn("sh", "-c", "echo ready; exec sleep 60")
        process.terminate()
        self.assertEqual(process.wait(10), killed_by(signal.SIGTERM))
        self.assert_only_init()

    # The terminal

    def terminal(self, *command, program=NSLAB, **options):
        terminal = Terminal(program, *command, **options)
        self.addCleanup(terminal.close)
        return terminal

    def test_a_terminal_is_a_terminal_of_the_node(self):
        terminal = self.terminal("exec", "one", "--", "sh", "-c", "tty; stty size; exit 5")
        terminal.read_until("31 97")
        self.assertEqual(terminal.end(), 5)
        self.assertRegex(terminal.seen.decode(), r"/dev/pts/\d+")

    def test_the_terminal_is_as_it_was_afterwards(self):
        terminal = self.terminal("exec", "one", "--", "sh", "-c", "stty raw; echo done")
        terminal.read_until("done")
        terminal.end()
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.modes)

    def test_a_new_size_arrives(self):
        terminal = self.terminal("exec", "one", "--", "sh", "-c",
                                 "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done")
        terminal.read_until("ready")
        terminal.resize(40, 111)
        terminal.read_until("40 111")
        self.assertEqual(terminal.end(), 0)

    def test_control_c_interrupts_the_command(self):
        terminal = self.terminal("exec", "one", "--", "sh", "-c", "echo ready; exec sleep 60")
        terminal.read_until("ready")
        terminal.type("\x03")
        self.assertEqual(terminal.end(), killed_by(signal.SIGINT))
        self.assert_only_init()

    def test_a_shell(self):
        for command in (["shell", "one"], ["exec", "-it", "one", "bash"], ["exec", "one", "--", "bash"]):
            terminal = self.terminal(*command)
            terminal.type("echo $((6 * 7)) on $(hostname); exit 9\n")
            terminal.read_until("42 on one")
            self.assertEqual(terminal.end(), 9)
        self.assert_only_init()

    def test_an_error_stream_that_was_sent_elsewhere_stays_there(self):
        script = 'test -t 0 && test -t 1 && ! test -t 2 && echo "to the terminal"; echo "an error" >&2'
        for command in (["exec", "one", "--", "sh", "-c", script], ["exec", "one", "--", "bash", "-c", script]):
            with tempfile.TemporaryFile() as errors:
                terminal = self.terminal(*command, stderr=errors)
                terminal.read_until("to the terminal")
                self.assertEqual(terminal.end(), 0)
                errors.seek(0)
                self.assertEqual(errors.read(), b"an error\n", "as it was written: no terminal has had it")
            self.assertNotIn(b"an error", terminal.seen)

    def test_an_error_stream_may_go_down_a_pipe(self):
        terminal = self.terminal("exec", "one", "--", "sh", "-c", "stty size; ls /no/such", stderr=subprocess.PIPE)
        self.addCleanup(terminal.process.stderr.close)
        terminal.read_until("31 97")
        self.assertIn(b"/no/such", terminal.process.stderr.read())
        self.assertNotEqual(terminal.end(), 0)
        self.assertNotIn(b"/no/such", terminal.seen)

    def test_the_same_terminal_by_another_name_is_no_other_place(self):
        """A command's errors on a raw terminal would be a staircase."""
        terminal = self.terminal("-c", f"exec {NSLAB} exec one -- sh -c 'tty >&2; echo an error >&2' 2>/dev/tty",
                                 program="sh")
        terminal.end()
        self.assertRegex(terminal.seen.decode(), r"/dev/pts/\d+\r\nan error\r\n")

    def test_another_terminal_for_errors_is_another(self):
        other = Terminal("true")
        self.addCleanup(other.close)
        other.end()
        terminal = self.terminal("exec", "one", "--", "sh", "-c", "echo here; echo there >&2", stderr=other.slave)
        terminal.read_until("here")
        terminal.end()
        other.read_until("there")
        self.assertNotIn(b"there", terminal.seen)

    def test_nothing_of_nslabs_own_stands_where_a_stream_was_closed(self):
        """Its messages would be written into it."""
        for number, closed in ((0, "<&-"), (2, "2>&-")):
            process = subprocess.Popen(["sh", "-c", f"exec {NSLAB} exec one -- sh -c 'echo ready; exec sleep 60' {closed}"],
                                       stdout=subprocess.PIPE, text=True)
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.readline(), "ready\n")
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
            process.terminate()
            process.wait(10)
        self.assertEqual(run("sh", "-c", f"{NSLAB} exec one -- sh -c 'exit 4' <&- >&- 2>&-").code, 4)
        self.assertEqual(run("sh", "-c", f"{NSLAB} ls >&-").code, 1)
        self.assert_only_init()

    def test_a_terminal_for_input_alone_leaves_a_pipe_a_pipe(self):
        master, slave = pty.openpty()
        done = subprocess.run([NSLAB, "exec", "one", "--", "sh", "-c", r"test -t 1 && echo tty; printf 'a\nb'"],
                              stdin=slave, capture_output=True, timeout=20)
        os.close(master)
        os.close(slave)
        self.assertEqual(done.stdout, b"a\nb")


if __name__ == "__main__":
    main()
