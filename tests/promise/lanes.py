"""The lanes: what can go wrong, where, and what has to be true then.

A case is a tuple of words, so that its name ("kill/up/main/mount:2/down") can be
given back to tools/promise. A lane's cases() names them all, in order; run() is
one, in a cell of its own, and gives {"failures": [...], "missed": bool}: missed is
a point that the command did not come to this time.
"""

import random
import re

import calls
import cell
import lab
from nslab_test import residue

PROCESSES = {"up": ("main", "helper", "node"), "down": ("main",), "prune": ("main",)}
# A change of a running lab dies in the middle as well; how it fails is lanes_back's.
KILLED = {**PROCESSES, "change": ("main",)}
# In which nslab uses threads. A case takes long there, and most points are many times
# the same: so many of them, others each time.
WIDE = {"wide-up": 400, "wide-down": 100}


class NotEvenClean(Exception):
    """A command fails in which nothing goes wrong."""


def trace_of(command, process):
    answer = cell.only(lab.clean_trace, (command, process))
    if "trace" not in answer:
        raise NotEvenClean("\n".join(answer["failures"]))
    return answer["trace"]


def point(text):
    call, count = text.split(":")
    return call, int(count)


def points_of(command, process):
    """[(call, occurrence)] where it can go wrong."""
    return calls.points(trace_of(command, process))


def wide_points(random_):
    """(command, (call, occurrence)) of nslab itself with threads."""
    for command, count in WIDE.items():
        points = points_of(command, "main")
        threads = [point for point in points if point[0] == "clone3"]
        assert threads, f"no threads in {command}"
        for each in threads + sample(points, count, random_):
            yield command, each


def struck_at(case, what):
    """Prepares, and runs the command of a case with one thing going wrong."""
    _, command, process, where = case[:4]
    arguments = lab.prepare(command)
    return lab.inject(process, [(*point(where), what)], *arguments)


class Kill:
    """kill -9 before a system call of a command; then down leaves nothing, up a whole lab."""

    name = "kill"

    def cases(self, random_):
        for command, processes in KILLED.items():
            for process in processes:
                for call, count in points_of(command, process):
                    for then in ("down", "up"):
                        yield (self.name, command, process, f"{call}:{count}", then)
        for command, (call, count) in wide_points(random_):
            yield (self.name, command, "main", f"{call}:{count}", random_.choice(("down", "up")))

    def run(self, case):
        before = residue.snapshot()
        struck = struck_at(case, "kill")
        failures = []
        if case[2] == "main":
            if struck.hits and struck.result.code != 137:
                failures += lab.wrong("killed and did not die", struck.result)
        elif struck.result.code not in (0, 1):
            failures += lab.wrong("no answer to the death of its child", struck.result)
        elif struck.result.code == 1:
            failures += lab.nothing_left(before, "by a failed up")
        after = lab.taken_down if case[4] == "down" else lab.brought_up
        return {"failures": failures + after(before), "missed": not struck.hits}


class Fault:
    """A system call of a command fails; a failed up leaves nothing, success is success."""

    name = "fault"

    def cases(self, random_):
        for command in ("up", "down"):
            for process in PROCESSES[command]:
                for call, count in points_of(command, process):
                    if process == "main" and (call, count) in calls.OF_THE_LOADER:
                        continue
                    for error in calls.errors_of(call):
                        yield (self.name, command, process, f"{call}:{count}", error)
        for command, (call, count) in wide_points(random_):
            if calls.errors_of(call) and (call, count) not in calls.OF_THE_LOADER:
                yield (self.name, command, "main", f"{call}:{count}", random_.choice(calls.errors_of(call)))

    def run(self, case):
        before = residue.snapshot()
        struck = struck_at(case, case[4])
        failures = (self.after_up if case[1].endswith("up") else self.after_down)(struck.result, before)
        if failures:
            failures = lab.wrong(f"{case[1]} ended with", struck.result) + failures
        return {"failures": failures, "missed": not struck.hits}

    @staticmethod
    def after_up(result, before):
        if lab.crashed(result):
            return lab.wrong("crashed", result) + lab.taken_down(before)
        if re.search(r"\((EMFILE|ENOMEM|ENOSPC)\)", result.err) and "hint: " not in result.err:
            return ["no word of what to do"] + lab.taken_down(before)
        if result.code == 0:
            return lab.whole("though up succeeded") + lab.taken_down(before)
        if "writing to standard output failed" in result.err:  # what it did stands
            return lab.whole("though only telling so failed") + lab.taken_down(before)
        return lab.nothing_left(before, "by a failed up") + lab.taken_down(before)

    @staticmethod
    def after_down(result, before):
        failures = lab.wrong("crashed", result) if lab.crashed(result) else []
        if result.code == 0:
            failures += lab.nothing_left(before, "though down succeeded")
        return failures + lab.taken_down(before)


class Rollback:
    """A system call of up fails, and it is killed while it rolls back: random pairs."""

    name = "rollback"

    # How many pairs, and after how many calls at most it is killed.
    PAIRS = {"up": (1000, 700), "wide-up": (100, 5000)}

    def cases(self, random_):
        for command, (pairs, furthest) in self.PAIRS.items():
            points = [(call, count) for call, count in points_of(command, "main")
                      if calls.errors_of(call) and (call, count) not in calls.OF_THE_LOADER]
            for _ in range(pairs):
                call, count = random_.choice(points)
                error = random_.choice(calls.errors_of(call))
                yield (self.name, command, f"{call}:{count}", error, str(random_.randint(1, furthest)))

    def run(self, case):
        """A kill that comes after the end is drawn nearer until it strikes."""
        _, command, where, error, distance = case
        before = residue.snapshot()
        distance = int(distance)
        failures = []
        arguments = lab.prepare(command)
        while not failures:
            strikes = [(*point(where), error), ("any", distance, "kill")]
            struck = lab.inject("main", strikes, *arguments)
            failures = lab.taken_down(before)
            if struck.hits != 1 or distance == 1:
                break
            distance //= 2
        return {"failures": failures, "missed": struck.hits != 2}


def part(cases, which, count):
    """Every `count`th of a lane, from the one of that number on: together they are all of it."""
    return list(cases)[which - 1::count]


def sample(cases, count, random_):
    """Some of a lane, spread over it."""
    cases = list(cases)
    if count is None or len(cases) <= count:
        return cases
    step = len(cases) / count
    first = random_.random() * step
    return [cases[int(first + i * step)] for i in range(count)]


def generator(seed):
    return random.Random(seed)
