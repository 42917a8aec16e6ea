"""What needs another kernel is handed to it, once, and nothing of it gets lost."""

import contextlib
import io
import json
import shutil
import unittest
from unittest import mock

import lanes
from nslab_test import FILES, NslabTest, main

TEST_FILE = '''
@needs("netem")
class Delays(NslabTest):
    def test_one(self): pass
    @needs("vrf", "dummy")
    def test_two(self): pass
class Others(NslabTest):
    @needs("vlan")
    def test_three(self): pass
    def test_four(self): pass
'''


class Lanes(NslabTest):
    def setUp(self):
        self.results = FILES / "vm"
        patch = mock.patch.object(lanes, "RESULTS", self.results)
        patch.start()
        self.addCleanup(shutil.rmtree, self.results, ignore_errors=True)
        self.addCleanup(patch.stop)

    def quietly(self, function, *arguments):
        """(what it returns, what it prints)"""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            return function(*arguments), out.getvalue()

    def run_lanes(self, tests, **answers):
        """With lanes of these features; one of None does not boot. What this kernel has is netem."""
        asked = {}

        def run_lane(lane, to_do):
            asked[lane] = {file: set(of_file) for file, of_file in to_do.items()}
            if answers[lane] is None:
                return None
            left = lanes.unmet(to_do, answers[lane])
            done = {file: {"tests": sorted(set(of_file) - set(left.get(file, ()))), "status": 0, "seconds": 1}
                    for file, of_file in to_do.items()}
            return {"kernel": "6.1", "features": sorted(answers[lane]),
                    "results": {file: result for file, result in done.items() if result["tests"]}}

        with mock.patch.object(lanes, "LANES", tuple(answers)), mock.patch.object(lanes, "run_lane", run_lane), \
                mock.patch.object(lanes, "all_declared", lambda: tests), \
                mock.patch.object(lanes.features, "offered", lambda: {"netem"}):
            status, _ = self.quietly(lanes.run_lanes)
        return status, asked

    def test_needs_are_read_from_the_file(self):
        (FILES / "test_sample.py").write_text(TEST_FILE)
        self.assertEqual(lanes.declared(FILES / "test_sample.py"),
                         {"Delays": {"netem"}, "Delays.test_two": {"netem", "vrf", "dummy"},
                          "Others.test_three": {"vlan"}})

    def test_each_runs_on_the_first_kernel_that_has_all_it_needs(self):
        tests = {"test_a": {"A": {"netem"}, "B": {"vrf"}, "C": {"vrf", "vlan"}}, "test_b": {"D": {"netem"}}}
        status, asked = self.run_lanes(tests, first={"vrf"}, second={"vrf", "vlan"})
        self.assertEqual(status, 0)
        self.assertEqual(asked, {"first": {"test_a": {"B", "C"}}, "second": {"test_a": {"C"}}})
        self.assertEqual(lanes.failed(), set())
        self.assertEqual(self.quietly(lanes.show_result, "test_a")[0], 0)
        self.assertEqual(self.quietly(lanes.show_result, "test_b")[0], 77)

    def test_none_is_booted_for_nothing(self):
        self.assertEqual(self.run_lanes({"test_a": {"A": {"vrf"}}}, first={"vrf"}, second=None)[0], 0)

    def test_what_no_kernel_has_is_a_failure(self):
        self.run_lanes({"test_a": {"A": {"vlan"}}}, first={"vrf"})
        status, text = self.quietly(lanes.show_result, "test_a")
        self.assertEqual(status, 1)
        self.assertIn("nowhere: test_a A needs vlan", text)

    def test_a_kernel_that_does_not_boot_is_a_failure(self):
        status, _ = self.run_lanes({"test_a": {"A": {"vlan"}}}, first=None)
        self.assertEqual(status, 1)
        with self.assertRaises(FileNotFoundError):  # and so no test has passed there
            lanes.show_result("test_a")

    def test_a_failure_there_is_one_here(self):
        self.run_lanes({"test_a": {"A": {"vlan"}}}, first={"vlan"})
        summary = lanes.read_summary()
        summary["lanes"]["first"]["results"]["test_a"]["status"] = 1
        (self.results / "summary.json").write_text(json.dumps(summary))
        status, text = self.quietly(lanes.show_result, "test_a")
        self.assertEqual(status, 1)
        self.assertIn("first (6.1): failed test_a A", text)

    def test_what_is_declared_is_known(self):
        for file, tests in lanes.all_declared().items():
            for test, need in tests.items():
                self.assertLessEqual(need, lanes.features.ALL, (file, test))


if __name__ == "__main__":
    main()
