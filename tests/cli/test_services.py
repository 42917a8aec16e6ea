"""Services: their order, their readiness, what they print, and how they come back."""

import json
import os
import signal
import subprocess
import unittest

from nslab_test import FILES, NSLAB, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, run, succeed


def lab(nodes):
    return "name: services\nsubnets: {net: 10.130.0.0/24}\nnodes:\n" + nodes


ORDER = lab("""
  last:
    interfaces: {eth0: net}
    after: {first: ready}
    setup:
      - curl -s --max-time 2 http://first:8080/ >/reached
  first:
    interfaces: {eth0: net}
    services:
      slow:
        command: sleep 0.5; exec python3 -m http.server 8080
        ready: {tcp: 8080}
      after-slow:
        command: [sleep, infinity]
        after: [slow]
""")

READY = lab("""
  a:
    interfaces: {eth0: net}
    services:
      by-tcp: {command: "sleep 0.2; exec python3 -m http.server 8081", ready: {tcp: 8081}}
      by-file: {command: "sleep 0.2; touch /tmp/ready; exec sleep infinity", ready: {file: /tmp/ready}}
      by-exec: {command: "sleep 0.2; mkdir /tmp/done; exec sleep infinity", ready: {exec: [test, -d, /tmp/done]}}
      at-once: {command: [sleep, infinity]}
""")

LOGS = lab("""
  a:
    services:
      talk: {command: "echo one; echo two >&2; while read line; do echo got $line; done </fifo; sleep infinity"}
      other: {command: "echo from the other; exec sleep infinity"}
    setup: [mkfifo /fifo]
  quiet: {}
""")

RESTART = lab("""
  a:
    services:
      always: {command: [sleep, "1000"], restart: always}
      on-failure: {command: [sleep, "1001"], restart: on-failure}
      never: {command: [sleep, "1002"]}
""")


STOPPED = "/run/lab-files/stopped"


def polite(signal_name, stop):
    """A lab with a service that writes STOPPED at that signal."""
    return lab(f"""
  a:
    mounts: {{/out: {{bind: /run/lab-files}}}}
    services:
      polite:
        command: "trap 'echo stopped >/out/stopped; exit 0' {signal_name}; echo >/tmp/on; while :; do sleep 0.05; done"
        ready: {{file: /tmp/on}}
{stop}""")


# Services that end by their signal only once the other one has had its own.
WAITING = lab("".join(f"""
  {me}:
    mounts: {{/out: {{bind: /run/lab-files}}}}
    services:
      waiting:
        command: "trap 'touch /out/asked-{me}; until test -e /out/asked-{other}; do sleep 0.05; done;
          touch /out/met-{me}; exit 0' TERM; touch /tmp/on; while :; do sleep 0.05; done"
        ready: {{file: /tmp/on}}
        stop: {{timeout: 10s}}""" for me, other in ("ab", "ba")))
# One that ends when it is allowed to.
SLOW = lab("""
  a:
    mounts: {/out: {bind: /run/lab-files}}
    services:
      slow:
        command: "rm -f /out/asked /out/go; trap 'rm /tmp/on; touch /out/asked; until test -e /out/go; do sleep 0.05; done;
          exit 0' TERM; touch /tmp/on; while :; do sleep 0.05; done"
        ready: {file: /tmp/on}
        stop: {timeout: 20s}
""")


class Services(NslabTest):
    def test_a_node_starts_after_what_it_waits_for_is_ready(self):
        with self.lab(ORDER) as running:
            self.assertEqual(running.shell("last", "wc -l </reached") != "0", True)
            self.assertEqual(running.service_status("first", "slow")["state"], "ready")

    def test_up_returns_when_all_are_ready(self):
        with self.lab(READY) as running:
            for name in ("by-tcp", "by-file", "by-exec"):
                self.assertEqual(running.service_status("a", name)["state"], "ready", name)
            running.read("a", "ls", "-d", "/tmp/ready", "/tmp/done")
            self.assertIn(running.service_status("a", "at-once")["state"], ("ready", "running"))

    def test_logs(self):
        with self.lab(LOGS) as running:
            log = lambda *arguments: succeed(nslab("logs", "services/a", *arguments)).out
            eventually(lambda: log("talk") == "one\ntwo\n", "both streams are in the log")
            self.assertEqual(eventually(lambda: log("other"), "it has printed"), "from the other\n")
            both = log()
            self.assertIn("talk | one\n", both)
            self.assertIn("other | from the other\n", both)
            self.expect(nslab("logs", "services/a", "nonsense"), 1, err=["nonsense", "talk"])
            self.assertNotEqual(nslab("logs", "services/quiet").code, 0)
            self.assertNotEqual(nslab("logs", "services/none").code, 0)
            self.follow(running)

    def test_what_setup_printed_is_kept(self):
        """Also of commands that succeeded, and of what they leave running."""
        text = lab("""
  a:
    setup:
      - mkfifo /fifo; (read x </fifo; echo from behind) &
      - |
        echo $((1 + 1))
        echo wrong >&2
""")
        with self.lab(text) as running:
            log = lambda: succeed(nslab("logs", "services/a", "setup")).out
            self.assertEqual(log(), "$ mkfifo /fifo; (read x </fifo; echo from behind) &\n$ echo $((1 + 1)) …\n2\nwrong\n")
            running.shell("a", "echo >/fifo")
            eventually(lambda: log().endswith("wrong\nfrom behind\n"), "it goes on printing")

    def follow(self, running):
        logs = subprocess.Popen([NSLAB, "logs", "-f", "services/a", "talk"], stdout=subprocess.PIPE, text=True)
        with killed_at_the_end(logs):
            self.assertEqual([logs.stdout.readline() for _ in range(2)], ["one\n", "two\n"])
            running.shell("a", "echo three >/fifo")
            self.assertEqual(logs.stdout.readline(), "got three\n")
            logs.send_signal(signal.SIGINT)
            self.assertIn(logs.wait(10), (0, 1, 130))

    def test_following_ends_with_the_lab(self):
        with self.lab(LOGS):
            logs = subprocess.Popen([NSLAB, "logs", "-f", "services/a", "talk"], stdout=subprocess.PIPE,
                                    text=True)
            with killed_at_the_end(logs):
                logs.stdout.readline()
                succeed(nslab("down", "services"))
                self.assertEqual(logs.wait(10), 0)

    def test_an_interrupt_ends_following_whenever_it_comes(self):
        """Also between two waits: many times, right after a line was printed."""
        with self.lab(LOGS):
            for _ in range(30):
                logs = subprocess.Popen([NSLAB, "logs", "-f", "services/a", "talk"], stdout=subprocess.PIPE)
                with killed_at_the_end(logs):
                    logs.stdout.readline()
                    logs.send_signal(signal.SIGINT)
                    self.assertIn(logs.wait(10), (0, 1, 130))

    def test_a_log_is_bounded(self):
        text = lab('  a: {services: {loud: {command: "yes 0123456789012345678901234567890123456789 | head -c 5000000;'
                   ' touch /tmp/done; exec sleep infinity", ready: {file: /tmp/done}}}}\n')
        with self.lab(text) as running:
            size = lambda: os.stat("/run/nslab/services/log/a/loud.log").st_size
            self.assertLess(size(), 3 << 20)
            self.assertIn("0123456789", succeed(nslab("logs", "services/a")).out)
            running.read("a", "true")

    def test_who_comes_back(self):
        with self.lab(RESTART) as running:
            before = running.services("a")
            for command in before:
                succeed(run("kill", "-TERM", before[command]))
            eventually(lambda: {"sleep 1000", "sleep 1001"} == set(running.services("a")), "two are back")
            after = running.services("a")
            self.assertNotEqual(after["sleep 1000"], before["sleep 1000"])
            self.assertNotEqual(after["sleep 1001"], before["sleep 1001"])
            status = running.service_status("a", "never")
            self.assertEqual(status["exit-signal"], signal.SIGTERM)
            self.assertEqual(running.service_status("a", "always")["restarts"], 1)

    def test_who_ends_well_comes_back_only_with_always(self):
        text = lab("""
  a:
    services:
      on-failure: {command: "until test -e /tmp/end; do sleep 0.05; done; exit 0", restart: on-failure}
      always: {command: "until test -e /tmp/end; do sleep 0.05; done; exit 0", restart: always}
""")
        with self.lab(text) as running:
            running.read("a", "touch", "/tmp/end")
            eventually(lambda: running.service_status("a", "always")["restarts"] >= 1, "it has come back")
            status = eventually(lambda: [each for each in [running.service_status("a", "on-failure")]
                                         if each["state"] not in ("running", "ready")], "it has ended")[0]
            self.assertEqual((status["exit-code"], status["restarts"]), (0, 0))
            running.read("a", "rm", "/tmp/end")

    def test_a_service_is_stopped_by_its_signal(self):
        with self.lab(polite("USR1", "        stop: {signal: USR1, timeout: 5s}\n")):
            pass
        self.assertTrue(os.path.exists(STOPPED))
        os.unlink(STOPPED)

    def test_only_who_asks_for_it_is_stopped_by_a_signal(self):
        """A service that no longer wants its signal is killed with its node."""
        with self.lab(polite("TERM", "        stop: {timeout: 5s}\n")) as running:
            running.up(polite("TERM", ""))
            os.unlink(STOPPED)  # the change has stopped it
        self.assertFalse(os.path.exists(STOPPED))

    def test_all_that_end_have_their_time_at_once(self):
        """Each waits for the other's signal: one after the other, both would be killed."""
        for rest in ("  a: {}\n  b: {}\n", "  c: {}\n", None):  # they go, their nodes go, the lab goes
            with self.subTest(rest=rest), self.lab(WAITING) as running:
                running.up(lab(rest)) if rest else succeed(nslab("down", running.name))
                self.assertEqual({each for each in os.listdir(FILES) if each.startswith("met-")}, {"met-a", "met-b"})
            for each in ("asked-a", "asked-b", "met-a", "met-b"):
                os.unlink(FILES / each)

    def interrupted(self, *arguments):
        """`nslab` that ends a service that takes its time, and gets Ctrl-C then; not yet ended."""
        process = subprocess.Popen([NSLAB, *arguments], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        eventually((FILES / "asked").exists, "the service is asked to end")
        process.send_signal(signal.SIGINT)
        return process

    def test_an_interrupt_ends_the_wait_of_down(self):
        with self.lab(SLOW) as running:
            process = self.interrupted("down", running.name)
            self.assertEqual(process.wait(10), 1)  # before the service has ended
            self.assertIn("interrupted", process.stderr.read())
            self.assertEqual(running.service_status("a", "slow")["state"], "stopping")
            (FILES / "go").touch()
            running.up(SLOW)
            self.assertEqual(running.service_status("a", "slow")["state"], "ready")
            (FILES / "go").touch()

    def test_an_interrupt_of_a_change_brings_back_who_was_ending(self):
        for rest in ("  a: {}\n", "  b: {}\n"):  # the service goes, or its node
            with self.subTest(rest=rest), self.lab(SLOW) as running:
                process = self.interrupted("up", "--take-over", lab_file(lab(rest), "rest"))
                (FILES / "go").touch()
                self.assertEqual(process.wait(30), 1)
                self.assertIn("interrupted", process.stderr.read())
                self.assert_nothing_to_do(lab_file(SLOW))
                self.assertEqual(running.service_status("a", "slow")["state"], "ready")
                (FILES / "go").touch()

    def test_a_hung_init_does_not_hold_up_those_that_stop(self):
        text = lab("".join(f"""
  n{i}:
    services: {{polite: {{command: [sleep, infinity], stop: {{timeout: 5s}}}}}}""" for i in range(3)))
        with self.lab(text) as running:
            os.kill(running.init("n1"), signal.SIGSTOP)
            succeed(nslab("down", running.name, timeout=50))

    def test_why_one_is_not_ready_is_said_in_its_own_terms(self):
        for services, words in (
                ('{x: {command: [python3, -m, http.server, "80"], ready: {tcp: 80}},'
                 ' d: {command: [python3, -m, http.server, "80"], ready: {tcp: 80}, after: [x]}}',
                 "port is held by service 'x'"),
                ('{d: {command: [sleep, "1000"], ready: {exec: [sleep, "1000"], timeout: 500ms}}}',
                 "was not ready within 500 ms: its command has not ended"),
                ('{d: {command: "exec python3 -c \'import socket,time; s=socket.create_server((\\"\\",81)); time.sleep(999)\'",'
                 ' ready: {http: 81, timeout: 3s}}}', "it was asked and has not answered")):
            with self.subTest(words):
                text = f"name: terms\nnodes: {{a: {{services: {services}}}}}\n"
                result = nslab("up", lab_file(text, "terms"))
                self.expect(result, 1, err=words)
                self.assertNotIn("status 1 before it was ready, of service", result.err)

    def test_as_much_text_as_there_may_be(self):
        """All that the lab file may say of a command reaches its node."""
        for what in ("x" * 39_000, "\t" * 11_000, "\"" * 26_000, "\\\\" * 13_000):
            with self.subTest(what[:2]):
                service = {"command": ["sh", "-c", "printf %s \"$1\" >/said; printf %s \"$X\" >/env", "sh", what], "once": True}
                text = {"name": "long", "nodes": {"a": {"environment": {"X": what}, "services": {"s": service}}}}
                file = lab_file(json.dumps(text), "long")
                succeed(nslab("up", file))
                try:
                    self.assert_nothing_to_do(file)
                    self.assertEqual(succeed(nslab("exec", "long/a", "--", "cat", "/said")).out, what)
                    self.assertEqual(succeed(nslab("exec", "long/a", "--", "cat", "/env")).out, what)
                finally:
                    succeed(nslab("down", "long"))

    def test_orphans_are_reaped(self):
        with self.lab(lab("  a: {}\n")) as running:
            running.shell("a", "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done")
            def zombies():
                return [pid for pid in running.processes("a")
                        if ") Z " in open(f"/proc/{pid}/stat").read()]
            eventually(lambda: len(running.processes("a")) == 1, "only the init is left")
            self.assertEqual(zombies(), [])


if __name__ == "__main__":
    main()
