"""sifive/wake #344, fish-shell #11646, ledger PR 2674: a tool dumps core in a directory that was deleted."""

import os

from nslab_test import FILES, NSLAB, NslabTest, lab_file, main, nslab, run, succeed

TEXT = "name: gone\nnodes: {a: {}}\n"


class Deleted(NslabTest):
    def there(self, script, **options):
        """A script in a directory that is no longer there."""
        options.setdefault("input", TEXT)
        return run("bash", "-c", 'mkdir -p "$1" && cd "$1" && rmdir "$1" && shift && "$@"', "bash",
                   FILES / "deleted", NSLAB, *script, **options)

    def setUp(self):
        self.addCleanup(nslab, "down", "gone")
        self.file = lab_file(TEXT, "gone")

    def test_what_does_not_need_it_works(self):
        for command in ("validate", "plan", "up", "status", "down"):
            self.expect(self.there([command, "-"]), 0)
            self.expect(self.there([command, self.file]), 0)
        for command in ("ls", "doctor", "version", "prune", "schema"):
            self.assertIn(self.there([command]).code, (0, 1), command)

    def test_what_needs_it_is_an_error(self):
        for command in ("validate", "plan", "up"):
            self.expect(self.there([command, "lab.yaml"]), 2, err="there is no file 'lab.yaml'")
        for command in ("status", "down"):
            self.expect(self.there([command, "./lab.yaml"]), 1, err="there is no file './lab.yaml'")
        self.expect(self.there(["exec", "lab.yaml/a", "true"]), 1, err="lab.yaml")
        self.expect(self.there(["logs", "lab.yaml/a"]), 1, err="lab.yaml")
        bound = TEXT.replace("{a: {}}", "{a: {mounts: {/srv: ./data}}}")
        self.expect(self.there(["validate", "-"], input=bound), 2, err="<stdin>:2:")


if __name__ == "__main__":
    main()
