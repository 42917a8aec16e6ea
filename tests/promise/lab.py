"""The lab of the cases, and what is said of it after something went wrong."""

import os
import sys
from pathlib import Path

import calls
from nslab_test import FILES, NSLAB, Lab, eventually, lab_file, nslab, residue, run, succeed

INJECT = os.environ.get("NSLAB_INJECT", str(Path(NSLAB).parents[1] / "tests/inject"))
NAME = "crash"
# Ends a service by its signal.
GOES = """
  d:
    services: {polite: {command: [sleep, "777"], stop: {timeout: 1s}}}
"""
TEXT = """
name: crash
nodes:
  a:
    limits: {pids: 50}
    services: {sleeper: {command: [sleep, infinity]}}
  b:
    setup: [":"]
    files: {/etc/motd: "b\\n"}
""" + GOES + """
links:
  - {ends: [a:eth0, b:eth0], subnet: 10.1.0.0/30}
"""
# Enough objects for nslab to use threads (base/parallel.h).
WIDE = TEXT.replace("links:", "subnets: {net: 10.2.0.0/24}\nlinks:").replace(
    "nodes:", "nodes:" + "".join(f"\n  n{i}: {{interfaces: {{eth0: net}}}}" for i in range(34)))
# Of TEXT: changed in place, made again, restarted, new, and gone.
CHANGED = (TEXT.replace(GOES, "").replace("pids: 50", "pids: 60").replace("infinity", "1000000").replace('"b\\n"', '"c\\n"')
           .replace('[":"]', '["true"]').replace("links:", "  c:\nlinks:")
           .replace("subnet: 10.1.0.0/30}", "subnet: 10.1.0.0/30, mtu: 1400}\n"
                    "  - {ends: [a:eth1, c:eth0], subnet: 10.1.1.0/30}"))
TRACE = FILES / "trace"
# Nobody could tell a command that hangs from one on a machine with much to do sooner.
PATIENCE = 60


def file():
    """The small one, where prepare() did not write the wide one."""
    path = FILES / f"{NAME}.yaml"
    return path if path.exists() else lab_file(TEXT, NAME)


def command(*arguments, **options):
    return nslab(*arguments, timeout=PATIENCE, **options)


def up():
    return command("up", "--take-over", file())


def down():
    return command("down", NAME)


# What is true of it. Each gives a list of complaints.

def wrong(what, result):
    return [f"{what}: {result}"]


def nothing_left(before, when):
    return [f"left {when}: {each}" for each in residue.settled(before, 20)]


def was():
    """The file of the lab that prepare("change") has brought up."""
    return FILES / "was.yaml"


def whole(when, file=file):
    """The lab is as its file says, and the kernel agrees."""
    check = command("plan", file(), "--check")
    if check.code != 0:
        return wrong(f"not whole {when}", check)
    for node in [node for node in "ad" if f"  {node}:\n" in file().read_text()]:
        try:  # its maker goes on before the new program has its name
            eventually(lambda: names_in(node).count("sleep") == 1, "the service", 20)
        except AssertionError:
            return [f"not one service in node {node} {when}: {names_in(node)}"]
    ping = command("exec", f"{NAME}/a", "--", "ping", "-qc1", "-W5", "10.1.0.2")
    return [] if ping.code == 0 else wrong(f"b does not answer {when}", ping)


def names_in(node):
    return [name_of(pid) for pid in Lab(NAME).processes(node)]


def name_of(pid):
    try:
        return Path("/proc", str(pid), "comm").read_text().strip()
    except OSError:
        return ""


def taken_down(before, when="after down"):
    """`down` succeeds, whatever there is, and leaves nothing."""
    result = down()
    return (wrong("down failed", result) if result.code != 0 else []) + nothing_left(before, when)


def brought_up(before):
    """`up` succeeds, whatever there is; and then `down`."""
    result = up()
    if result.code != 0:
        return wrong("up failed", result) + taken_down(before)
    return whole("after up") + taken_down(before)


# Where something goes wrong.

class Struck:
    """A command with something injected: how it ended, and whether it came to that."""

    def __init__(self, result, trace):
        self.result, self.trace = result, trace
        self.hits = trace.count("hit ")


def inject(process, strikes, *arguments, input=None):
    """Strikes are (call or "any", occurrence, "kill", "interrupt" or the name of an errno)."""
    TRACE.unlink(missing_ok=True)
    words = []
    for call, count, what in strikes:
        number = call if call == "any" else calls.NUMBERS[call]
        error = calls.number_of_error(what) if what.isupper() else what
        words += ["--at", f"{number}:{count}:{error}"]
    result = run(INJECT, "--in", process, "--trace", TRACE, *words, "--", NSLAB, *arguments,
                 timeout=PATIENCE, input=input)
    return Struck(result, TRACE.read_text())


def crashed(result):
    """It was not killed by us, and yet it died of a signal."""
    return result.code > 128 or result.code < 0


def prepare(command_name):
    """What `command_name` has something to do with; gives its arguments.

    "change" is `up` of another file, of a lab that is up.

    "wide-up" is `up` of the wide lab. A "wide-down" is to show what goes: it reads all of
    the lab for that, with threads.
    """
    if command_name == "change":
        succeed(command("up", lab_file(TEXT, was().stem)))
        return ["up", "--take-over", str(lab_file(CHANGED, NAME))]
    size, _, command_name = command_name.rpartition("-")
    lab_file(WIDE if size else TEXT, NAME)
    if command_name == "up":
        return ["up", "--take-over", str(file())]
    succeed(up())
    if command_name == "down":
        return ["down", NAME, "--json"] if size else ["down", NAME]
    for record in Path("/run/nslab").glob("crash.*"):
        record.unlink()
    return ["prune", "--yes"]


def clean_trace(case):
    """The calls of a command that goes well; for cell.only()."""
    command_name, process = case
    arguments = prepare(command_name)
    struck = inject(process, [], *arguments)
    succeed(struck.result)
    return {"trace": struck.trace}


def say(*words):
    print(*words, flush=True, file=sys.stderr)
