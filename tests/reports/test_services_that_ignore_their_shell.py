"""podman #298: stopping takes ten seconds because the shell is process 1 and passes no signal on."""

import time

from nslab_test import NslabTest, bring_up, lab_file, main, nslab, succeed

LAB = """
name: shellstop
nodes:
  a:
    services:
      waits: {command: "echo start; sleep 1000; echo end", stop: {timeout: 60s}}
      traps:
        command: "trap 'echo bye; exit 0' TERM; touch /run/trapped; while :; do sleep 0.1; done"
        ready: {file: /run/trapped}
        stop: {timeout: 60s}
"""


class ServicesThatIgnoreTheirShell(NslabTest):
    def test_down_does_not_wait_for_the_timeout(self):
        bring_up(lab_file(LAB, "shellstop"))
        begin = time.monotonic()
        succeed(nslab("down", "shellstop"))
        # Not how fast it is: whether the timeout of a minute was waited for.
        self.assertLess(time.monotonic() - begin, 50)


if __name__ == "__main__":
    main()
