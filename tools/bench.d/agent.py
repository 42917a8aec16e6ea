"""Measures one contender on one lab, in a sandbox of namespaces that it is started in.

    agent.py JOB       a JSON object (see tools/bench); prints one with seconds and more
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import peers


def run(*command, check=True):
    """Runs a program; returns its seconds and its peak memory in bytes."""
    begin = time.monotonic()
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        errors = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begin
    if check and process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit status {process.returncode}\n{errors}")
    return seconds, usage.ru_maxrss * 1024


def names():
    """Where `ip netns` looks: every contender but Mininet puts its namespaces there."""
    return sorted(str(path) for path in Path("/run/netns").iterdir())


class Driven:
    """A program that reads "up" and "down", does it, and says how many seconds it took."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args}: no answer to {word}")
        return json.loads(answer)

    def up(self):
        return self.ask("up")

    def down(self):
        self.ask("down")
        self.process.wait()

    def netns(self):
        return names()


class Floor(Driven):
    """Timed as run() times nslab: with the start of the program."""

    def __init__(self, job, kind):
        self.command = (Path(job["tools"]) / "floor", kind, Path(job["lab"]) / "lab.txt", "/run/floor",
                        Path(job["tools"]) / "init", job["cgroup"], job["limits"])

    def up(self):
        begin = time.monotonic()
        super().__init__(*self.command)
        super().up()
        return time.monotonic() - begin


class Mininet(Driven):
    def __init__(self, job):
        super().__init__("/usr/bin/python3", Path(__file__).parent / "mininet_peer.py", job["objects"])

    def up(self):
        answer = self.ask("up")
        self.pids = answer["pids"]
        return answer["seconds"]

    def netns(self):
        return [f"/proc/{pid}/ns/net" for pid in self.pids]


class Script:
    """Shell scripts that do the same by the usual tools."""

    def __init__(self, job, make):
        directory = Path("/run/peer")
        directory.mkdir()
        make(peers.load(job["objects"]), directory, Path(job["tools"]))

    def up(self):
        return run("sh", "-e", "/run/peer/up")[0]

    def down(self):
        run("sh", "-e", "/run/peer/down")

    def netns(self):
        return names()


class Nslab:
    def __init__(self, job):
        self.nslab, self.lab, self.job = job["nslab"], Path(job["lab"]), job

    def up(self):
        before = meminfo()
        seconds, self.memory = run(self.nslab, "up", self.lab / "lab.yaml")
        self.used = {key: (before[key] - meminfo()[key]) * 1024 for key in before}
        return seconds

    def down(self):
        run(self.nslab, "down", "bench")

    def netns(self):
        return names()

    def more(self):
        """What else a user waits for, and what it costs in memory."""
        status = json.loads(subprocess.run([self.nslab, "status", "bench", "--json"], check=True,
                                           capture_output=True, text=True).stdout)
        pids = [node["pid"] for node in status["nodes"]]
        middle = len(pids) // 2
        node = status["nodes"][middle]["name"]
        private = statistics.median(private_memory(pid) for pid in pids[:: max(1, len(pids) // 20)])
        again = run(self.nslab, "up", self.lab / "lab.yaml")[0]
        return {
            "again": again,
            "status": run(self.nslab, "status", "bench")[0],
            "exec": median_of(self.nslab, "exec", f"bench/{node}", "--", "/bin/true"),
            "nsenter": median_of("nsenter", "--target", pids[middle], "--all", "/bin/true"),
            "changed": run(self.nslab, "up", self.lab / "changed.yaml")[0],
            "memory": self.memory,
            "init_memory": private,
            "kernel_memory": max(0, self.used["MemAvailable"] / len(pids) - private),
            "kernel_slab": max(0, -self.used["Slab"] / len(pids)),
        }


def median_of(*command):
    return statistics.median(run(*command)[0] for _ in range(7))


def meminfo():
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return {key: int(lines[key].split()[0]) for key in ("MemAvailable", "Slab")}


def private_memory(pid):
    """Bytes that nobody shares with this process."""
    lines = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()[1:]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


CONTENDERS = {
    "floor": lambda job: Floor(job, "bare"),
    "floor-full": lambda job: Floor(job, "full"),
    "nslab": Nslab,
    "ip": lambda job: Script(job, peers.ip),
    "ip-batch": lambda job: Script(job, peers.ip_batch),
    "unshare": lambda job: Script(job, peers.unshare),
    "crun": lambda job: Script(job, peers.crun),
    "mininet": Mininet,
}


def measure(job):
    contender = CONTENDERS[job["contender"]](job)
    result = {"up": contender.up()}
    if job["more"] and hasattr(contender, "more"):
        result.update(contender.more())
    # The one that watches is asked beforehand, so that it costs nothing while `down` runs.
    watch = subprocess.Popen([str(Path(job["tools"]) / "watch")], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    watch.stdin.write("".join(path + "\n" for path in contender.netns()))
    watch.stdin.close()
    if watch.stdout.readline() != "armed\n":
        raise RuntimeError("nobody watches the namespaces")
    begin = time.monotonic()
    contender.down()
    end = time.monotonic()
    result["down"] = end - begin
    result["gone"] = max(float(watch.stdout.readline()), end) - begin
    watch.wait()
    return result


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
