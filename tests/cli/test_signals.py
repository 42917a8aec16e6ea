"""No signal that ends a process ends nslab half way: `up` is whole, or what was before."""

import resource
import signal
import subprocess
import unittest
from pathlib import Path

from nslab_test import (FILES, NSLAB, Lab, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, residue, succeed)

# Each lets what it stands for wait until the file `go` is there: the signal comes meanwhile.
WAIT = f"touch {FILES}/waits; until test -e {FILES}/go; do sleep 0.01; done"
MOMENTS = {
    "setup": f'setup: ["{WAIT}"]',
    "a service's readiness": f'services: {{s: {{command: [sleep, infinity], ready: {{exec: [sh, -c, "{WAIT}"]}}}}}}',
}
INTERRUPT = ("HUP", "INT", "TERM", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU", "IO", "POLL", "PWR",
             "STKFLT", "RTMIN", "RTMAX")
LIBC = 3 << 31  # two signals of its own, which its posix_spawn(3) leaves ignored
FAIL_A_WRITE = ("PIPE", "XFSZ")  # sent by somebody else, they say nothing


def lab(rest):
    root = f"mounts: {{{FILES}: {FILES}}}"
    return f"name: signals\nnodes:\n  a: {{{root}, {rest}}}\n  b: {{}}\n"


class Signals(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")
        self.clear()

    def clear(self):
        for name in ("waits", "go"):
            (FILES / name).unlink(missing_ok=True)

    def up_until(self, rest, **options):
        self.clear()
        up = subprocess.Popen([NSLAB, "up", lab_file(lab(rest), "signals")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, **options)
        eventually((FILES / "waits").exists, "up waits")
        return up

    def test_they_interrupt_up(self):
        for moment, rest in MOMENTS.items():
            for name in INTERRUPT:
                with self.subTest(moment=moment, signal=name), killed_at_the_end(self.up_until(rest)) as up:
                    up.send_signal(getattr(signal, "SIG" + name, None) or getattr(signal, name, None) or 16)
                    rest_of = up.communicate(timeout=30)[1]
                    self.assertEqual(up.returncode, 1, rest_of)
                    self.assertIn("interrupted", rest_of)
                    self.assertEqual(succeed(nslab("ls", "--json")).json, [])
        self.assert_no_residue(self.before)

    def test_a_failed_write_is_no_end(self):
        for name in FAIL_A_WRITE:
            with self.subTest(signal=name), killed_at_the_end(self.up_until(MOMENTS["setup"])) as up:
                up.send_signal(getattr(signal, "SIG" + name))
                (FILES / "go").touch()
                self.assertEqual(up.wait(30), 0)
                succeed(nslab("down", "signals"))

    def test_one_that_comes_twice_at_once_is_one(self):
        """timeout(1) signals the process and its group."""
        for first, second in (("TERM", "TERM"), ("HUP", "HUP"), ("TERM", "HUP")):
            with self.subTest(signals=(first, second)), killed_at_the_end(self.up_until(MOMENTS["setup"])) as up:
                for name in (first, second):
                    up.send_signal(getattr(signal, "SIG" + name))
                self.assertEqual(up.wait(30), 1)
                self.assertEqual(succeed(nslab("ls", "--json")).json, [])

    def test_nohup(self):
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with killed_at_the_end(self.up_until(MOMENTS["setup"], preexec_fn=ignore)) as up:
            up.send_signal(signal.SIGHUP)
            (FILES / "go").touch()
            self.assertEqual(up.wait(30), 0)

    def test_a_limit_on_the_size_of_files(self):
        for size in (0, 1, 512, 4096):
            with self.subTest(size=size):
                limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
                result = nslab("up", lab_file("name: signals\nnodes: {a: {}, b: {}, c: {}}\n", "signals"),
                               preexec_fn=limit)
                self.assertIn(result.code, (0, 1), result)
                self.assertEqual(result.code, 0 if "signals" in succeed(nslab("ls")).out else 1, result)
                if result.code == 1:
                    self.assertIn("EFBIG", result.err)
                succeed(nslab("down", "signals"))
        self.assert_no_residue(self.before)

    def test_a_reader_that_goes_away(self):
        for redirection in ("2>&1", "2>&1 >/dev/null", ""):
            with self.subTest(redirection):
                file = lab_file("name: signals\nnodes: {a: {}, b: {}, c: {}}\n", "signals")
                # Its end is not waited for before something is read, and then nobody reads.
                done = subprocess.run(["bash", "-c", f'"$0" up -v "$1" {redirection} | true; echo ${{PIPESTATUS[0]}}',
                                       NSLAB, file], capture_output=True, text=True, timeout=60)
                self.assertIn(int(done.stdout), (0, 1), done)
                self.assertEqual([each["state"] for each in succeed(nslab("ls", "--json")).json], ["up"])
                self.expect(nslab("plan", file, "--check"), 0)
                succeed(nslab("down", "signals"))
        self.assert_no_residue(self.before)

    def test_what_runs_in_a_node_has_the_usual_dispositions(self):
        ignore = lambda: [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGPIPE, signal.SIGXFSZ)]
        text = "name: signals\nnodes: {a: {services: {s: {command: [sleep, infinity]}}}}\n"
        succeed(nslab("up", lab_file(text, "signals"), preexec_fn=ignore))
        service = Lab("signals").services("a")["sleep infinity"]
        told = succeed(nslab("exec", "signals/a", "--", "cat", "/proc/self/status", preexec_fn=ignore)).out
        for status in (Path(f"/proc/{service}/status").read_text(), told):
            masks = [int(line.split()[1], 16) & ~LIBC for line in status.splitlines()
                     if line.startswith(("SigIgn", "SigBlk"))]
            self.assertEqual(masks, [0, 0], status)


if __name__ == "__main__":
    main()
