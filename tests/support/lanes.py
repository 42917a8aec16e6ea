"""Which kernel runs which test: this machine's, or one of those that tools/vm-test boots.

Each is a lane, with its features. A test runs in the first lane that has what
it needs (see features.py). ctest runs the first; here are the others:

    lanes.py               runs what they have to run, and prints what came of it
    lanes.py --list        the test files that need anything
    lanes.py --result NAME what the others found of one test file
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import features

ROOT = Path(__file__).resolve().parents[2]
TESTS = [ROOT / "tests/cli", ROOT / "tests/reports"]  # no two files of one name
RESULTS = Path(os.environ.get("NSLAB_VM_RESULTS", ROOT / "build/release/vm"))
LANES = ("vm-v2", "vm-v1")  # after "host"; the cgroup version that is mounted there
SECONDS_FOR_A_FILE = 240
SECONDS_FOR_A_LANE = 700


def declared(path):
    """{"Class" or "Class.test": its features} of a test file, read without running it."""
    def features_of(node):
        return {word.value for each in node.decorator_list
                if isinstance(each, ast.Call) and getattr(each.func, "id", None) == "needs"
                for word in each.args}

    found = {}
    for case in ast.parse(path.read_text()).body:
        if not isinstance(case, ast.ClassDef):
            continue
        if of_case := features_of(case):
            found[case.name] = of_case
        for test in case.body:
            if isinstance(test, ast.FunctionDef) and (of_test := features_of(test)):
                found[f"{case.name}.{test.name}"] = of_case | of_test
    return found


def files():
    """{name: path} of all test files."""
    return {path.stem: path for folder in TESTS for path in sorted(folder.glob("test_*.py"))}


def all_declared():
    """{file: what declared() says}, of the files that need anything."""
    found = {name: declared(path) for name, path in files().items()}
    return {file: tests for file, tests in found.items() if tests}


def unmet(tests, have):
    """Of {file: {test: features}}, what cannot run with these features."""
    left = {file: {test: need for test, need in of_file.items() if not need <= have}
            for file, of_file in tests.items()}
    return {file: of_file for file, of_file in left.items() if of_file}


# In the guest.

def run_file(file, tests, log):
    """The exit status; what the tests print goes to the log as well."""
    environment = {**os.environ, "NSLAB_TESTS_MUST_RUN": "1", "PYTHONPATH": str(ROOT / "tests/support")}
    command = ["timeout", "--kill-after=5", str(SECONDS_FOR_A_FILE),
               "/usr/bin/python3", str(files()[file]), *tests]
    with log.open("wb") as out:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in child.stdout:
            out.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
        return child.wait()


def in_guest(directory):
    """Runs what of to-do.json can run here, and notes what came of each file."""
    to_do = {file: {test: set(need) for test, need in tests.items()}
             for file, tests in json.loads((directory / "to-do.json").read_text()).items()}
    have = features.offered()
    os.environ[features.OFFERED] = " ".join(have)
    left = unmet(to_do, have)
    results = {}
    for file, tests in to_do.items():
        here = sorted(set(tests) - set(left.get(file, ())))
        # The tests of a class are run with the class.
        here = [test for test in here if "." not in test or test.split(".")[0] not in here]
        if here:
            print(f"== {file} {' '.join(here)}", flush=True)
            begin = time.monotonic()
            status = run_file(file, here, directory / f"{file}.log")
            results[file] = {"tests": here, "status": status, "seconds": round(time.monotonic() - begin)}
    answer = {"kernel": os.uname().release, "features": sorted(have), "results": results}
    (directory / "done.json").write_text(json.dumps(answer, indent=1))


# On the host.

def run_lane(lane, to_do):
    """What the guest answered; nothing when it did not come to its end."""
    directory = RESULTS / lane
    directory.mkdir(parents=True)
    listed = {file: {test: sorted(need) for test, need in tests.items()} for file, tests in to_do.items()}
    (directory / "to-do.json").write_text(json.dumps(listed))
    options = ["--kernel", os.environ.get("NSLAB_VM_KERNEL", "default"), "--cgroup", lane.removeprefix("vm-"),
               "--limit", str(SECONDS_FOR_A_LANE), "--share", str(directory)]
    # It ends with this process, however that ends.
    command = ["setpriv", "--pdeathsig", "TERM", str(ROOT / "tools/vm-test"), *options, "--",
               "/usr/bin/python3", str(Path(__file__).resolve()), "--in-guest", str(directory)]
    status = subprocess.run(command).returncode
    done = directory / "done.json"
    return json.loads(done.read_text()) if status == 0 and done.exists() else None


def run_lanes():
    """0 when every lane that is needed has booted and come to its end, whatever it found."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    summary, have = {}, features.offered()
    to_do = unmet(all_declared(), have)
    for lane in LANES:
        if to_do:
            summary[lane] = run_lane(lane, to_do)
            if summary[lane] is None:
                print(f"{lane}: did not run to its end")
                return 1
            to_do = unmet(to_do, set(summary[lane]["features"]))
    RESULTS.mkdir(exist_ok=True)
    nowhere = {file: {test: sorted(need) for test, need in tests.items()} for file, tests in to_do.items()}
    (RESULTS / "summary.json").write_text(json.dumps({"lanes": summary, "nowhere": nowhere}, indent=1))
    print(table(), end="")
    return 0


def read_summary():
    return json.loads((RESULTS / "summary.json").read_text())


def table():
    """What ran where."""
    summary = read_summary()
    lines = []
    for lane, answer in summary["lanes"].items():
        for file, result in answer["results"].items():
            word = "failed" if result["status"] else "passed"
            lines.append(f"{lane} ({answer['kernel']}): {word} {file} {' '.join(result['tests'])}"
                         f" ({result['seconds']} s)\n")
    for file, tests in summary["nowhere"].items():
        for test, need in tests.items():
            lines.append(f"nowhere: {file} {test} needs {', '.join(need)}\n")
    return "".join(lines)


def failed():
    """The files of which a test failed, or ran nowhere."""
    summary = read_summary()
    return {file for answer in summary["lanes"].values() for file, result in answer["results"].items()
            if result["status"]} | set(summary["nowhere"])


def show_result(file):
    """Exit status: 0 passed, 1 failed or nowhere, 77 that no test of it was handed over."""
    known = False
    for lane in LANES:
        log = RESULTS / lane / f"{file}.log"
        if log.exists():
            known = True
            print(f"== {lane}\n{log.read_text(errors='replace')}", end="")
    for line in table().splitlines(keepends=True):
        if f" {file} " in line:
            known = True
            print(line, end="")
    return int(file in failed()) if known else 77


def main(arguments):
    if arguments == ["--list"]:
        print(*all_declared(), sep=";", end="")  # as CMake lists are
        return 0
    if arguments[:1] == ["--in-guest"]:
        in_guest(Path(arguments[1]))
        return 0
    if arguments[:1] == ["--result"]:
        return show_result(arguments[1])
    if arguments == ["--table"]:
        print(table(), end="")
        return 0
    if arguments == ["--run"]:  # as ctest's fixture: what was found is for --result
        return run_lanes()
    return run_lanes() or int(bool(failed()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
