"""Lanes about what stays: the record, and what many commands add up to."""

import json
import os
import statistics
import time
from pathlib import Path

import cell
import lab
from nslab_test import ROOT, lab_file, nslab, residue, succeed

RECORD = Path("/run/nslab/crash.applied")
STEP = 16  # bytes of a record that one case cuts or flips one by one


def with_sum(body):
    """A record that says `body` and whose sum is right (FNV-1a, as in base/text.cc)."""
    value = 0xcbf29ce484222325
    for byte in body:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return json.dumps({"version": 3, "sum": str(value)}, separators=(",", ":")).encode() + b"\n" + body


def changed(change=lambda described: None, text=lambda text: text):
    """What is said of the lab file, or the file itself, is another, and the sum right."""
    def damage(record):
        _, described, file = record.split(b"\n", 2)
        described = json.loads(described)
        change(described)
        return with_sum(json.dumps(described, separators=(",", ":")).encode() + b"\n" + text(file))
    return damage


WHOLE = {
    "same": changed(),
    "boot": changed(lambda described: described.update({"boot-id": "0" * 36})),
    "lab": changed(lambda described: described.update({"lab": "other"})),
    "types": changed(lambda described: described.update({"directory": [1, {"file": 3}]})),
    "missing": changed(lambda described: described.pop("file")),
    "path": changed(lambda described: described.update({"file": "/etc/passwd", "directory": "/"})),
    "limits": changed(lambda described: described.update({"without-limits": True})),
    "text empty": changed(text=lambda _: b""),
    "text of another lab": changed(text=lambda _: b"name: other\nnodes: {n: }\n"),
    "text no lab": changed(text=lambda _: b"\0\xff"),
    "text deep": changed(text=lambda _: b"[" * 200000),
    "deep": lambda record: with_sum(b"[" * 200000 + b"\n"),
    "version": lambda record: record.replace(b'"version":3', b'"version":4'),
    "empty": lambda record: b"",
    "zeros": lambda record: bytes(len(record)),
    "long": lambda record: record * 50,
}


def length(_case):
    """Of a record; for cell.only()."""
    succeed(lab.up())
    return {"length": RECORD.stat().st_size}


class Record:
    """A record cut at each length, each byte of it flipped, or that says something else."""

    name = "record"

    def cases(self, _random):
        for what in WHOLE:
            yield (self.name, "whole", what)
        for first in range(0, cell.only(length)["length"], STEP):
            for kind in ("cut", "flip"):
                yield (self.name, kind, str(first))

    def run(self, case):
        before = residue.snapshot()
        succeed(lab.up())
        record = RECORD.read_bytes()
        failures = []
        for damaged in self.damages(case, record):
            RECORD.write_bytes(damaged)
            # The kernel has not changed, so that there is nothing to do, whatever it says:
            # but what another version made is not changed in place.
            planned = 1 if case[1:] == ("whole", "version") else 0
            for words, code in ((("plan", lab.file(), "--check"), planned), (("ls",), 0)):
                result = lab.command(*words)
                if result.code != code:
                    failures += lab.wrong("with a damaged record", result)
        return {"failures": failures + lab.taken_down(before)}

    @staticmethod
    def damages(case, record):
        if case[1] == "whole":
            return [WHOLE[case[2]](record)]
        places = range(int(case[2]), min(int(case[2]) + STEP, len(record)))
        if case[1] == "cut":
            return [record[:place] for place in places]
        return [record[:place] + bytes([record[place] ^ 1 << place % 8]) + record[place + 1:]
                for place in places]


class Soak:
    """Up and down over and over: nothing adds up. How the time develops is told, not judged."""

    name = "soak"
    patience = 1800  # seconds of a case, which is many rounds
    SLABS = ("net_namespace", "pid_namespace", "mnt_cache", "nsproxy", "uts_namespace", "task_struct")
    # By the lab: its file, and how often it comes up.
    LABS = {
        "small": (lab.file, 1000),
        "webdb": (lambda: ROOT / "labs/webdb.yaml", 1000),
        "nodes": (lambda: lab_file(succeed(nslab("new", "line", "--nodes", "200")).out, "line"), 100),
    }

    def __init__(self):
        self.most = None  # rounds of the smallest lab; of the others a tenth of that

    def cases(self, _random):
        for name, (_, rounds) in self.LABS.items():
            if self.most:
                rounds = min(rounds, self.most if name == "small" else max(1, self.most // 10))
            yield (self.name, name, str(rounds))

    def run(self, case):
        _, name, rounds = case
        file = self.LABS[name][0]()
        before = residue.snapshot()
        descriptors = len(os.listdir("/proc/self/fd"))
        slabs = self.slabs()
        failures, seconds = [], []
        for _ in range(int(rounds)):
            started = time.monotonic()
            for words in (("up", file), ("down", file)):
                result = lab.command(*words)
                if result.code != 0:
                    failures += lab.wrong("in the long run", result)
            seconds.append(time.monotonic() - started)
            if failures:
                break
        if len(os.listdir("/proc/self/fd")) != descriptors:
            failures.append("descriptors were left open")
        tenth = max(1, len(seconds) // 10)
        notes = [f"soak: {name}: {statistics.median(seconds[:tenth]) * 1000:.0f} ms a round at first, "
                 f"{statistics.median(seconds[-tenth:]) * 1000:.0f} ms at last",
                 f"soak: {name}: slab objects " + ", ".join(
                     f"{slab} {old} -> {self.slabs()[slab]}" for slab, old in slabs.items())]
        return {"failures": failures + lab.nothing_left(before, "by many rounds"), "notes": notes}

    @classmethod
    def slabs(cls):
        try:
            lines = Path("/proc/slabinfo").read_text().splitlines()
        except OSError:
            return {}
        return {line.split()[0]: int(line.split()[1]) for line in lines
                if line.split()[0] in cls.SLABS}
