"""Lab files that nobody had in mind: what `validate` accepts comes up, changes into any other, and goes.

    NSLAB_SEED=7 NSLAB_ROUNDS=100 ... test_random_labs.py     other labs, and more of them

A failure names its seed; with NSLAB_ROUNDS=1 that lab is the first.
"""

import json
import os
import random

from random_lab import RandomLab

from nslab_test import NslabTest, lab_file, main, nslab, residue, succeed

SEED = int(os.environ.get("NSLAB_SEED") or random.SystemRandom().randrange(1_000_000))
ROUNDS = int(os.environ.get("NSLAB_ROUNDS") or 12)
NAME = "random"

# Keys that RandomLab leaves out, and why.
LEFT_OUT = {
    ("limits", "swap"),  # not every kernel counts it
}


def valid_labs(seed, count):
    """(seed, lab, its text) of as many labs that `validate` accepts."""
    found = []
    while len(found) < count:
        lab = RandomLab(seed, NAME)
        text = lab.text()
        if nslab("validate", "-", input=text).code == 0:
            found.append((seed, lab, text))
        seed += 1
    return found


class RandomLabs(NslabTest):
    def test_every_key_of_the_schema_is_tried(self):
        schema = json.loads(succeed(nslab("schema")).out)
        blocks = {**schema["definitions"], "lab": schema}
        keys = {(block, key) for block, of_block in blocks.items() for key in of_block.get("properties", {})}
        made = set()
        for seed in range(400):
            made |= RandomLab(seed, NAME).used
        self.assertEqual(sorted(keys - made - LEFT_OUT), [])

    def test_they_come_up_change_into_one_another_and_go(self):
        print(f"seed {SEED}, {ROUNDS} labs", flush=True)
        before = residue.snapshot()
        previous = None
        for number, (seed, lab, text) in enumerate(valid_labs(SEED, ROUNDS)):
            with self.subTest(seed=seed, after=previous):
                file = lab_file(text, NAME)
                try:
                    self.expect(nslab("up", file), 0)
                    self.expect(nslab("plan", file, "--check"), 0)
                    self.expect(nslab("up", file), 0, out="nothing to do")
                    self.expect(nslab("status", NAME, "--check"), 0)
                except AssertionError:
                    print(text[:6000])
                    succeed(nslab("down", NAME))
                    raise
            previous = seed
            if number % 3 == 2:  # the next begins with nothing
                succeed(nslab("down", NAME))
                self.assert_no_residue(before)
                previous = None
        succeed(nslab("down", NAME))
        self.assert_no_residue(before)


if __name__ == "__main__":
    main()
