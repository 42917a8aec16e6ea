"""Programs that put themselves into the background: a service goes on in what it leaves, and ends with it."""

import os
import signal
import unittest

from nslab_test import NslabTest, eventually, lab_file, main, nslab, succeed

# Ways to leave: the first process has ended before the one that stays has left its session, or after, or never does.
DOUBLE_FORK = """python3 -c '
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(1000)'"""
WAYS = {"same session": "sleep 1000 &", "new session": "setsid sleep 1000 &", "twice": DOUBLE_FORK,
        "late": "(sleep 0.3; exec setsid sleep 1000) &",
        "two": "setsid sleep 1000 & setsid sleep 1000 &"}


def lab(command, more=""):
    lines = command.replace("\n", "\n          ")
    return f"name: background\nnodes:\n  a:\n    services:\n      s:\n        command: |\n          {lines}\n{more}"


class Background(NslabTest):
    def left(self, running):
        return [each for each in running.processes("a") if each != running.init("a")]

    def test_it_goes_on_and_is_stopped_whole(self):
        for what, command in WAYS.items():
            with self.subTest(what), self.lab(lab_file(lab(command), "background")) as running:
                status = running.service_status("a", "s")
                self.assertEqual(status["state"], "ready")
                self.assertIn(status["pid"], self.left(running))
                self.assert_nothing_to_do(lab_file(lab(command), "background"))
                running.up("name: background\nnodes: {a: {}}\n")
                self.assertEqual(self.left(running), [])

    def test_its_end_is_the_services(self):
        with self.lab(lab_file(lab("setsid sleep 1000 &"), "background")) as running:
            os.kill(running.service_status("a", "s")["pid"], signal.SIGKILL)
            status = eventually(lambda: [each for each in [running.service_status("a", "s")] if each["state"] == "failed"],
                                "it has failed")[0]
            self.assertEqual(status["exit-signal"], signal.SIGKILL)
            self.expect(nslab("plan", lab_file(lab("setsid sleep 1000 &"), "background"), "--check"), 3)

    def test_it_is_not_started_beside_itself(self):
        command = "echo started >>/count; setsid sleep 1000 &"
        with self.lab(lab_file(lab(command, "        restart: always\n"), "background")) as running:
            time_of = running.service_status("a", "s")["pid"]
            os.kill(time_of, signal.SIGKILL)
            eventually(lambda: running.service_status("a", "s")["restarts"] == 1
                       and running.service_status("a", "s")["state"] == "ready", "it is back")
            self.assertEqual(running.read("a", "cat", "/count"), "started\nstarted")
            self.assertEqual(len(self.left(running)), 1)

    def test_what_fails_takes_all_with_it(self):
        text = lab("setsid sleep 1000 & echo $((6 * 7)) in vain; exit 3")
        result = self.expect(nslab("up", "--keep", lab_file(text, "background")), 1)
        self.assertIn("exited with status 3", result.err)
        self.assertIn("  > 42 in vain\n", result.err)
        self.assertEqual(succeed(nslab("exec", "background/a", "--", "sh", "-c", "pgrep sleep || true")).text, "")
        succeed(nslab("down", "background"))

    def test_its_probe_waits_for_what_is_in_the_background(self):
        text = lab("setsid sh -c 'sleep 0.5; exec python3 -m http.server 8000' &", "        ready: {http: 8000}\n")
        with self.lab(lab_file(text, "background")) as running:
            self.assertEqual(running.service_status("a", "s")["state"], "ready")


if __name__ == "__main__":
    main()
