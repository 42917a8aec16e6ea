"""Nodes and what runs in them are the same, whoever starts them."""

import re
import resource
import os
import unittest

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, run, succeed

TEXT = """name: whoever
nodes:
  a:
    services:
      s: {command: [sleep, infinity]}
    setup: ["umask >/mask; cat /proc/self/limits >/limits"]
"""

# How it is asked of a process of the node: without what is its own in any case.
ASK = """
grep -E '^(Cpus_allowed_list|NoNewPrivs|Groups|[UG]id|Sig(Blk|Ign)|Cap...|THP_enabled):' /proc/$P/status
cat /proc/$P/limits /proc/$P/personality /proc/$P/timerslack_ns /proc/$P/coredump_filter /proc/$P/oom_score_adj
cut -d' ' -f18,19,40,41 /proc/$P/stat; ionice -p $P; chrt -p $P | sed 's/.*: //'; grep -c interleave /proc/$P/numa_maps
tr '\\0' '\\n' </proc/$P/environ | grep -v '^TERM='
"""

# Everything that a shell, cron or a batch job might have changed. The hard limit of nice stays below what nslab may lift.
ODD = ["setpriv", "--reuid=0", "--regid=1", "--groups=1,2,3", "--inh-caps=+chown,+sys_module,+sys_time", "--ambient-caps=+chown",
       "taskset", "-c", "0", "nice", "-n", "7", "ionice", "-c", "3", "chrt", "--batch", "0",
       "setarch", "-R", "sh", "-c",
       "ulimit -Sn 100; ulimit -Sc 5; ulimit -Ss 2048; ulimit -Sl 64; umask 077; echo 9 >/proc/self/coredump_filter; "
       "echo 500 >/proc/self/oom_score_adj; trap '' INT USR1; export LC_ALL=tr_TR; exec \"$@\"", "sh"]


class Whoever(NslabTest):
    maxDiff = None

    def seen(self, prefix):
        """Of a service, a setup command and a command of exec."""
        file = lab_file(TEXT, "whoever")
        succeed(run(*prefix, NSLAB, "up", file))
        try:
            ask = lambda *command: succeed(run(*prefix, NSLAB, "exec", "whoever/a", "--", *command)).out
            service = ask("sh", "-c", "P=$(pgrep -x sleep)" + ASK)
            # A shell blocks signals while it starts a program: it is looked at while it waits.
            command = ask("sh", "-c", f"P=$$; (until grep -q '^State:.S' /proc/$P/status; do :; done{ASK}); true")
            setup = ask("cat", "/mask", "/limits")
            umask = ask("sh", "-c", "umask; stat -c %a / /etc/hosts /mask")
            return service, command, setup, umask
        finally:
            succeed(nslab("down", "whoever"))

    def test_nothing_is_handed_down(self):
        usual, odd = self.seen([]), self.seen(ODD)
        for name, before, after in zip(("service", "exec", "setup", "umask"), usual, odd):
            with self.subTest(name):
                self.assertEqual(before, after)
        self.assertTrue(usual[3].startswith("0022\n755\n644\n644"), usual[3])

    def test_exec_is_as_services_are(self):
        service, command, *_ = self.seen([])
        for words in ("Max ", "Cpus", "Groups", "Sig"):
            of = lambda text: [line for line in text.splitlines() if line.startswith(words)]
            self.assertEqual(of(service), of(command))
        soft = re.search(r"Max open files\s+(\d+)", service)[1]
        self.assertEqual(int(soft), min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    def test_the_cpus_follow_the_cpuset(self):
        if os.cpu_count() < 2:
            self.skipTest("one processor")
        text = 'name: whoever\nnodes: {a: {limits: {cpuset: "%s"}, services: {s: {command: [sleep, infinity]}}}}\n'
        succeed(run("taskset", "-c", "1", NSLAB, "up", lab_file(text % "0", "whoever")))
        succeed(nslab("up", lab_file(text % "0-1", "whoever")))
        cpus = "grep Cpus_allowed_list /proc/$(pgrep -x sleep)/status"
        self.assertTrue(succeed(nslab("exec", "whoever/a", "--", "sh", "-c", cpus)).text.endswith("0-1"))
        succeed(nslab("down", "whoever"))

    def test_what_cannot_be_lifted_is_said(self):
        file = lab_file(TEXT, "whoever")
        result = succeed(run("setpriv", "--no-new-privs", NSLAB, "up", file))
        self.assertIn("no_new_privs", result.err)
        succeed(nslab("down", "whoever"))
        drop = ["setpriv", "--inh-caps=-sys_resource", "--bounding-set=-sys_resource"]
        result = succeed(run(*drop, "sh", "-c", "ulimit -n 900; exec \"$@\"", "sh", NSLAB, "up", file))
        self.assertIn("open files (900)", result.err)
        succeed(nslab("down", "whoever"))


if __name__ == "__main__":
    main()
