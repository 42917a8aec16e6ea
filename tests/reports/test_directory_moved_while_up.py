"""docker/compose #4503, #5406; srl-labs/containerlab #607: a directory is renamed between `up`
and `down`, and `down` says that there is nothing to do while all runs on."""

import os

from nslab_test import FILES, NSLAB, NslabTest, main, nslab, run, succeed

TEXT = "name: moved\nnodes: {a: {}}\n"


class Moved(NslabTest):
    def setUp(self):
        self.addCleanup(nslab, "down", "moved")
        self.place = FILES / "before"
        self.place.mkdir(exist_ok=True)
        self.addCleanup(run, "rm", "-rf", self.place, FILES / "after")
        (self.place / "lab.yaml").write_text(TEXT)
        succeed(nslab("up", self.place / "lab.yaml"))

    def goes_by(self, *target, **options):
        self.expect(nslab("status", *target, **options), 0, out="moved")
        self.expect(nslab("down", *target, **options), 0, out="lab 'moved' is gone")
        self.assertEqual(succeed(nslab("ls", "--json")).json, [])

    def test_a_renamed_directory(self):
        self.place.rename(FILES / "after")
        self.goes_by(FILES / "after/lab.yaml")

    def test_a_renamed_directory_and_an_edited_file(self):
        self.place.rename(FILES / "after")
        (FILES / "after/lab.yaml").write_text(TEXT + "# edited\n")
        self.goes_by(FILES / "after/lab.yaml")

    def test_the_path_that_it_had(self):
        """The file is gone, and the record knows whose it was."""
        self.place.rename(FILES / "after")
        self.goes_by(self.place / "lab.yaml")

    def test_links(self):
        (self.place / "link.yaml").symlink_to("lab.yaml")
        (FILES / "after").symlink_to(self.place)
        self.expect(nslab("status", FILES / "after/lab.yaml"), 0, out="moved")
        self.goes_by(self.place / "link.yaml")
        (FILES / "after").unlink()

    def test_a_relative_path(self):
        self.goes_by("lab.yaml", cwd=self.place)

    def test_a_copy(self):
        (self.place / "copy.yaml").write_text(TEXT)
        self.goes_by(self.place / "copy.yaml")

    def test_standard_input(self):
        self.goes_by("-", input=TEXT)

    def test_a_pipe_of_the_shell(self):
        script = f"'{NSLAB}' down <(cat '{self.place}/lab.yaml')"
        succeed(run("bash", "-c", script))
        self.assertEqual(succeed(nslab("ls", "--json")).json, [])

    def test_a_file_that_is_broken_by_now(self):
        (self.place / "lab.yaml").write_text("nodes: {a: [}\n")
        self.goes_by(self.place / "lab.yaml")

    def test_a_file_with_a_mistake_beyond_the_name(self):
        (self.place / "copy.yaml").write_text(TEXT + "links: [no]\n")
        self.expect(nslab("status", self.place / "copy.yaml"), 0, out="moved")
        self.goes_by(self.place / "lab.yaml")

    def test_a_lab_without_a_name(self):
        """Its file's name is its own, by whatever link it is reached."""
        bare = self.place / "bare.yaml"
        bare.write_text("nodes: {a: {}}\n")
        self.addCleanup(nslab, "down", "bare")
        succeed(nslab("up", bare))
        os.symlink(bare, self.place / "other.yaml")
        self.expect(nslab("down", self.place / "other.yaml"), 0, out="lab 'bare' is gone")


if __name__ == "__main__":
    main()
