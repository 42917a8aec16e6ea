"""Carries out the lanes and prints what came of them. See docs/reliability.md."""

import argparse
import os
import sys
import time

import nslab_test  # enters the sandbox
import cell
import lanes
import tables

SHOWN = 10  # lines of a failure, at its begin and at its end


def arguments():
    parser = argparse.ArgumentParser(prog="tools/promise", description=__doc__)
    parser.add_argument("lanes", nargs="*", metavar="LANE", help=", ".join(tables.LANES))
    parser.add_argument("--sample", type=int, metavar="N", help="so many cases of each lane")
    parser.add_argument("--part", metavar="K/N", default="1/1", type=lambda text: tuple(map(int, text.split("/"))),
                        help="the Kth of N parts of each lane, with the same --seed")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=4 * os.cpu_count(),
                        help="cases at once; they wait for the kernel most of the time")
    parser.add_argument("--case", metavar="NAME", help="one case, as a failure names it")
    parser.add_argument("--expect-failures", action="store_true", help="succeed when a case fails")
    return parser.parse_args()


def is_broken(failures):
    """Whether it was the harness that failed, which finds nothing."""
    return any(failure.startswith(cell.BROKEN) for failure in failures)


def shown(failures):
    """The first and the last lines of them, indented."""
    lines = "\n".join(failures).strip().split("\n")
    if len(lines) > 2 * SHOWN:
        lines[SHOWN:-SHOWN] = [f"… {len(lines) - 2 * SHOWN} more lines …"]
    return "".join(f"\n  {line}" for line in lines)


def run_lane(lane, options):
    """(cases, missed, {name: failures})"""
    random_ = lanes.generator(f"{options.seed} {lane.name}")
    if options.case:
        cases = [tuple(options.case.split("/"))]
    else:
        cases = lanes.sample(lane.cases(random_), options.sample, random_)
        cases = lanes.part(cases, *options.part)
    done, missed, failed = 0, 0, {}
    told = time.monotonic()
    for case, answer in cell.run(lane.run, cases, options.jobs, getattr(lane, "patience", cell.PATIENCE)):
        done += 1
        missed += bool(answer.get("missed"))
        for note in answer.get("notes", []):
            print(f"  {note}", flush=True)
        if answer["failures"]:
            name = "/".join(case)
            failed[name] = answer["failures"]
            print(f"FAILED {name}{shown(answer['failures'])}", flush=True)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"{lane.name}: {done} of {len(cases)}, {len(failed)} failed", flush=True)
    return done, missed, failed


def main():
    options = arguments()
    if options.sample:
        tables.LANES["soak"].most = options.sample
    chosen = options.lanes or ([options.case.split("/")[0]] if options.case else list(tables.LANES))
    print(f"seed {options.seed}", flush=True)
    rows = []
    broken = False
    for name in chosen:
        started = time.monotonic()
        done, missed, failed = run_lane(tables.LANES[name], options)
        broken = broken or any(is_broken(failures) for failures in failed.values())
        rows.append((name, done, missed, len(failed), time.monotonic() - started))
    print(f"\n{'lane':12} {'cases':>7} {'missed':>7} {'failed':>7} {'seconds':>8}")
    for name, done, missed, failures, seconds in rows:
        print(f"{name:12} {done:7} {missed:7} {failures:7} {seconds:8.0f}")
    failures = sum(row[3] for row in rows)
    print(f"{sum(row[1] for row in rows)} cases, {failures} failed", flush=True)
    return failures == 0 if options.expect_failures and not broken else failures != 0


if __name__ == "__main__":
    try:
        failed = main()
    except lanes.NotEvenClean as failure:
        print(failure)
        failed = "--expect-failures" not in sys.argv or is_broken([str(failure)])
    raise SystemExit(int(failed))
