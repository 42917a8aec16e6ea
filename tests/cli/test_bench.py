"""tools/bench: a quick run measures everybody, and the table and the JSON are whole."""

import json
import unittest

from nslab_test import FILES, NSLAB, ROOT, NslabTest, main, residue, run, succeed

BENCH = ROOT / "tools/bench"
ALL = {"up", "down", "gone"}
NSLAB_ONLY = {"again", "changed", "status", "exec", "nsenter", "memory", "init_memory", "kernel_memory", "kernel_slab"}


class Bench(NslabTest):
    def test_a_quick_run_is_whole(self):
        before = residue.snapshot()
        file = FILES / "bench.json"
        result = succeed(run(BENCH, "--quick", "--sizes", "3", "--runs", "2", "--json", file, "--nslab", NSLAB,
                             timeout=250))
        data = json.loads(file.read_text())
        file.unlink()
        self.assert_no_residue(before)
        self.assertEqual(data["runs"], 2)
        self.assertGreater(data["machine"]["cpus"], 0)
        labs = [(each["shape"], each["nodes"], each["contender"]) for each in data["results"]]
        self.assertEqual(labs, [(shape, 3, who) for shape in ("line", "tree")
                                for who in ("floor", "floor-full", "nslab", "ip-batch")])
        for each in data["results"]:
            expected = ALL | (NSLAB_ONLY if each["contender"] == "nslab" else set())
            self.assertEqual(set(each) - {"shape", "nodes", "contender"}, expected, each)
            for key in expected:
                self.assertEqual(len(each[key]), 2, each)
                self.assertTrue(all(value >= 0 for value in each[key]), each)
            self.assertTrue(all(gone >= down for gone, down in zip(each["gone"], each["down"])), each)
        for words in ("line, 3 nodes", "tree, 3 nodes", "/full", "ms per node", "exec/nsenter", "a node's init"):
            self.assertIn(words, result.out, result)

    def test_it_refuses_what_it_does_not_know(self):
        self.expect(run(BENCH, "--only", "docker"), 2, err="docker")


if __name__ == "__main__":
    main()
