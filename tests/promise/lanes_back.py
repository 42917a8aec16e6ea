"""An `up` that does not come to its end puts back what was."""

import calls
import lab
import lanes
from nslab_test import Lab, residue


class Back:
    """A change of a running lab fails, or is interrupted; or a first `up` is interrupted."""

    name = "back"

    def cases(self, random_):
        for call, count in lanes.points_of("up", "main"):
            yield (self.name, "up", f"{call}:{count}", "interrupt")
        for call, count in lanes.points_of("change", "main"):
            yield (self.name, "change", f"{call}:{count}", "interrupt")
            if (call, count) not in calls.OF_THE_LOADER:
                for error in calls.errors_of(call):
                    yield (self.name, "change", f"{call}:{count}", error)

    def run(self, case):
        _, command, where, what = case
        before = residue.snapshot()
        arguments = lab.prepare(command)
        kept = Lab(lab.NAME).init("a") if command == "change" else None
        struck = lab.inject("main", [(*lanes.point(where), what)], *arguments)
        failures = self.after(command, what, struck.result, kept, before)
        if failures:
            failures = lab.wrong(f"{command} ended with", struck.result) + failures
        return {"failures": failures + lab.taken_down(before), "missed": not struck.hits}

    @staticmethod
    def after(command, what, result, kept, before):
        ended_at_once = what == "interrupt" and result.code == 130  # it was just beginning
        if lab.crashed(result) and not ended_at_once:
            return ["crashed"]
        if result.code == 0 or "writing to standard output failed" in result.err:
            return lab.whole("though up succeeded")
        if "could not be put back" in result.err:
            return ["not put back"]
        if command == "up":
            return lab.nothing_left(before, "by an interrupted up")
        failures = lab.whole("as it was before a change that failed", lab.was)
        if Lab(lab.NAME).init("a") != kept:
            failures.append("a node that the change kept has started again")
        return failures
