"""Whatever is done by hand to a running lab, `up` mends it or names what stands in its way, and `down`
takes all of it away. Never is a lab left that could not be put back.

    NSLAB_SEED=7 NSLAB_ROUNDS=100 ... test_random_hands.py     other things, and more of them
"""

import os
import random

from hands import Hands

from nslab_test import NslabTest, bring_up, lab_file, main, nslab, residue, take_down_on_failure

SEED = int(os.environ.get("NSLAB_SEED") or random.SystemRandom().randrange(1_000_000))
ROUNDS = int(os.environ.get("NSLAB_ROUNDS") or 25)

LAB = """
name: hands
subnets: {lan: [10.90.0.0/24, "fd00:90::/64"], back: 10.91.0.0/24}
nodes:
  r: {role: router, interfaces: {eth0: lan, eth1: back}, sysctls: {net.ipv4.ip_default_ttl: 32}}
  a:
    interfaces: {eth0: lan}
    files: {/etc/motd: "hello\\n"}
    mounts: {/srv/deep: {tmpfs: 1M}}
    setup: ["ip route add blackhole 10.66.0.0/16", "ip rule add pref 50 lookup main"]
    services: {web: {command: [python3, -m, http.server, "8080"], ready: {tcp: 8080}}}
    limits: {pids: 100}
  b: {interfaces: {eth0: back}, services: {s: {command: [sleep, "1000000"], restart: always}}}
  pod: {namespaces: {net: "node:a"}}
links: ["r:wire -- b:wire", {ends: ["a:wire", "b:back"], subnet: 10.92.0.0/30, mtu: 9000}]
"""
NODES = ["r", "a", "b", "pod"]


class RandomHands(NslabTest):
    def test_up_mends_it_or_says_why_not_and_down_takes_it_all(self):
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        before = residue.snapshot()
        file = lab_file(LAB, "hands")
        for seed in range(SEED, SEED + ROUNDS):
            with take_down_on_failure():  # what then is left would be the next round's
                hands = Hands(bring_up(file), seed)
                try:
                    for _ in range(hands.random.randint(1, 3)):
                        hands.act(NODES)
                    self.judge(file, hands)
                finally:
                    hands.let_go()
                    down = nslab("down", "hands")
                self.assertEqual(down.code, 0, hands.told(down))
                try:
                    self.assert_no_residue(before)
                except AssertionError as left:
                    raise AssertionError(hands.told(left)) from None

    def judge(self, file, hands):
        nslab("plan", file)
        up = nslab("up", file)
        for words in ("could not be put back", "terminate called", "changes it back"):
            self.assertNotIn(words, up.err, hands.told(up))
        self.assertIn(up.code, (0, 1), hands.told(up))
        if up.code == 1:
            self.assertIn("hint:", up.err, hands.told(up))
            return
        check = nslab("plan", file, "--check")
        self.assertEqual(check.code, 0, hands.told(check))


if __name__ == "__main__":
    main()
