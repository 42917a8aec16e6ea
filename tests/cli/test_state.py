"""Where nslab keeps what, and what others do there meanwhile: /run/netns, the state directory, records."""

import contextlib
import os
import shutil
import socket
import unittest
from pathlib import Path

from nslab_test import FILES, NSLAB, NslabTest, bring_up, lab_file, main, nslab, residue, run, succeed, take_down_on_failure

TEXT = "name: state\nsubnets: {lan: 10.76.0.0/24}\nnodes: {a: {interfaces: {eth0: lan}}, b: {interfaces: {eth0: lan}}}\n"
STATE = Path("/run/nslab")
NAMES = Path("/run/netns")


def unmount(path):
    while run("umount", "-l", path).code == 0:
        pass


class Names(NslabTest):
    """`ip netns` and others in /run/netns while a lab is up."""

    def setUp(self):
        self.file = lab_file(TEXT, "state")
        self.addCleanup(nslab, "down", "--all")
        self.addCleanup(shutil.rmtree, NAMES, ignore_errors=True)
        self.addCleanup(unmount, NAMES)

    def test_namespaces_come_and_go(self):
        for script in ("ip netns add h; ip netns del h", "ip netns add h", "mount --bind /run/netns /run/netns",
                       "mount --bind /run/netns /run/netns; mount --make-shared /run/netns"):
            with self.subTest(script):
                bring_up(self.file)
                succeed(run("sh", "-c", script))
                self.assert_nothing_to_do(self.file)
                self.expect(nslab("down", "state"), 0, out="gone")
                self.assertEqual(succeed(nslab("ls", "--json")).json, [])
                self.assertFalse(STATE.exists())
                self.assertLessEqual({each.name for each in NAMES.iterdir()} if NAMES.exists() else set(), {"h"})
                run("ip", "netns", "del", "h")
                unmount(NAMES)
                if NAMES.exists():
                    NAMES.rmdir()

    def test_the_directory_is_removed(self):
        for command in ("up", "down"):
            with self.subTest(command):
                lab = bring_up(self.file)
                inits = lab.init("a"), lab.init("b")
                shutil.rmtree(NAMES)
                if command == "up":
                    succeed(nslab("up", self.file))
                    self.assertEqual((lab.init("a"), lab.init("b")), inits)
                    succeed(run("ip", "netns", "exec", "state.a", "true"))
                    self.assert_nothing_to_do(self.file)
                self.expect(nslab("down", "state"), 0, out="gone")
                self.assertFalse(NAMES.exists())
                self.assertFalse(STATE.exists())

    def test_a_namespace_that_is_mounted_elsewhere(self):
        bring_up(self.file)
        place = FILES / "elsewhere"
        place.touch()
        self.addCleanup(unmount, place)
        succeed(run("mount", "--bind", STATE / "state/ns/a", place))
        self.expect(nslab("down", "state"), 1, err=["still holds the lab", str(place), "unmount"])
        unmount(place)
        succeed(nslab("down", "state"))
        self.assertEqual(succeed(nslab("ls", "--json")).json, [])


class StateDirectory(NslabTest):
    def life(self, directory, cwd=None):
        """The whole life of a lab; what `down` gets may be written otherwise."""
        env = {"NSLAB_STATE_DIR": str(directory)}
        before = residue.snapshot()
        succeed(nslab("up", lab_file(TEXT, "state"), env=env, cwd=cwd))
        self.expect(nslab("plan", lab_file(TEXT, "state"), "--check", env=env, cwd=cwd), 0)
        self.assertEqual(succeed(nslab("exec", "state/a", "--", "hostname", env=env, cwd=cwd)).text, "a")
        return env, before

    def test_of_every_form(self):
        for form in ("relative", "./relative", "../lab-files/relative", "/run/lab-files/link/x", "/run//lab-files/./x/",
                     "with space/x:y,z"):
            with self.subTest(form):
                (FILES / "target").mkdir(exist_ok=True)
                if not (FILES / "link").exists():
                    (FILES / "link").symlink_to("target")
                (FILES / "with space").mkdir(exist_ok=True)
                env, before = self.life(form, cwd=FILES)
                absolute = os.path.realpath(FILES / form)
                self.expect(nslab("status", "state", "--check", env={"NSLAB_STATE_DIR": absolute}), 0)
                self.expect(nslab("down", "state", env={"NSLAB_STATE_DIR": absolute}), 0, out="gone")
                self.assert_no_residue(before)

    def test_a_mount_point(self):
        for kind in ("tmpfs", "bind"):
            with self.subTest(kind):
                place = FILES / f"volume-{kind}"
                place.mkdir()
                self.addCleanup(unmount, place)
                succeed(run("mount", *(["-t", "tmpfs", "none"] if kind == "tmpfs" else ["--bind", place]), place))
                env, before = self.life(place)
                self.expect(nslab("down", "state", env=env), 0, out="gone")
                self.assert_no_residue(before)
                self.assertEqual(succeed(nslab("ls", "--json", env=env)).json, [])
                self.expect(nslab("down", "--all", env=env), 0)

    def test_what_others_have_put_there(self):
        """Nothing of it is a lab, and nothing is removed."""
        place = FILES / "shared"
        (place / "proj/src").mkdir(parents=True)
        (place / "empty").mkdir()
        for name in ("proj.lock", "proj.applied", "proj.intended", "zz.lock", "zz.intended.new"):
            (place / name).write_text("" if name != "zz.lock" else "4711\n")
        there = sorted(place.rglob("*"))
        env = {"NSLAB_STATE_DIR": str(place)}
        self.assertEqual(succeed(nslab("ls", "--json", env=env)).json, [])
        self.expect(nslab("down", "--all", "--yes", env=env), 0, err="no lab is up")
        self.expect(nslab("prune", "--yes", env=env), 0, err="nothing to prune")
        self.assertEqual(sorted(place.rglob("*")), there)
        before = residue.snapshot()
        succeed(nslab("up", lab_file(TEXT, "state"), env=env))
        self.expect(nslab("down", "--all", "--yes", env=env), 0, out="'state' is gone")
        self.assertEqual(sorted(place.rglob("*")), there)
        self.assert_no_residue(before)
        self.assertFalse(NAMES.exists())

    def test_something_in_a_labs_place(self):
        """Refused, and left as it is."""
        file = lab_file(TEXT, "state")
        place = STATE / "state"

        def mount():
            place.mkdir()
            succeed(run("mount", "-t", "tmpfs", "foreign", place))

        for what, plant in {"a mount": mount, "a file": place.touch, "a link": lambda: place.symlink_to("/nope"),
                            "a link to a directory": lambda: place.symlink_to("/tmp")}.items():
            with self.subTest(what):
                STATE.mkdir()
                plant()
                for command in ("plan", "up"):
                    self.expect(nslab(command, file), 1, err="nslab did not make it")
                self.expect(nslab("down", "state"), 0, err="nothing to do")
                self.assertTrue(place.is_mount() if what == "a mount" else place.exists() or place.is_symlink())
                self.assertEqual(succeed(nslab("ls", "--json")).json, [])
                unmount(place)
                place.rmdir() if what == "a mount" else place.unlink()
                STATE.rmdir()

    def test_another_cgroup_parent(self):
        """A lab keeps its own, whatever the environment of a later command says: cron's, sudo's."""
        before = residue.snapshot()
        file = lab_file(TEXT, "state")
        lab = bring_up(file)
        inits = lab.init("a"), lab.init("b")
        env = {"NSLAB_CGROUP_PARENT": os.environ["NSLAB_CGROUP_PARENT"] + "-other"}
        self.expect(nslab("plan", "--check", file, env=env), 0)
        self.expect(nslab("up", file, env=env), 0, out="nothing to do")
        succeed(nslab("exec", "state/a", "true", env=env))
        self.assertEqual((lab.init("a"), lab.init("b")), inits)
        self.expect(nslab("down", "state", env=env), 0, out="gone")
        self.assert_no_residue(before)

    def test_a_mount_in_a_labs_directory(self):
        file = lab_file(TEXT, "state")
        bring_up(file)
        self.addCleanup(nslab, "down", "state")
        mine = STATE / "state/mine"
        mine.mkdir()
        succeed(run("mount", "-t", "tmpfs", "mine", mine))
        self.addCleanup(unmount, mine)
        (mine / "data").write_text("kept")
        self.expect(nslab("down", "state"), 1, err=[str(mine), f"umount {mine}"])
        self.assert_nothing_to_do(file)
        self.assertEqual((mine / "data").read_text(), "kept")
        unmount(mine)
        self.expect(nslab("down", "state"), 0, out="gone")

    def test_none(self):
        gone = FILES / "gone"
        gone.mkdir()
        script = f'cd {gone} && rmdir {gone} && NSLAB_STATE_DIR=st "$0" ls'
        self.expect(run("bash", "-c", script, NSLAB), 2, err=["NSLAB_STATE_DIR", "absolute path"])
        self.expect(nslab("ls", env={"NSLAB_STATE_DIR": "/"}), 2, err="NSLAB_STATE_DIR")

    def test_a_lab_of_another_one(self):
        before = residue.snapshot()
        file = lab_file(TEXT, "state")
        lab = bring_up(file)
        inits = lab.init("a"), lab.init("b")
        env = {"NSLAB_STATE_DIR": str(FILES / "other")}
        self.expect(nslab("up", file, env=env), 1,
                    err=["made by an nslab with another state directory", "NSLAB_STATE_DIR=/run/nslab nslab down state"])
        self.expect(nslab("down", "state", env=env), 1, err="another state directory")
        self.expect(nslab("prune", "--yes", env=env), 0, err="nothing to prune")
        self.expect(nslab("down", "--all", env=env), 0)
        self.assertEqual(succeed(nslab("ls", "--json", env=env)).json, [])
        self.assertEqual((lab.init("a"), lab.init("b")), inits)
        self.assert_nothing_to_do(file)
        succeed(nslab("down", "state"))
        self.assert_no_residue(before)

    def test_names_of_full_length(self):
        """Also where the way to the socket is longer than an address has room for."""
        long = "n" * 63
        text = f"name: {'l' * 63}\nnodes:\n  {long}: {{services: {{s: {{command: [sleep, infinity]}}}}}}\n  b: {{}}\n"
        file = lab_file(text, "l" * 63)
        for directory in (STATE, FILES / ("d" * 200) / ("e" * 200)):
            with self.subTest(directory):
                directory.parent.mkdir(exist_ok=True)
                env = {"NSLAB_STATE_DIR": str(directory)}
                before = residue.snapshot()
                succeed(nslab("up", file, env=env))
                self.expect(nslab("plan", file, "--check", env=env), 0)
                self.assertEqual(succeed(nslab("exec", long, "--", "hostname", env=env)).text, long)
                succeed(nslab("up", lab_file(text.replace("s: {command", "t: {command"), "l" * 63), env=env))
                succeed(nslab("down", "l" * 63, env=env))
                self.assert_no_residue(before)


class Torn(NslabTest):
    """Somebody removes what nslab keeps of a lab that is up: `up` mends it, and `down` works."""

    TEXT = ("name: torn\nsubnets: {lan: 10.77.0.0/24}\nnodes:\n"
            "  a: {interfaces: {eth0: lan}, namespaces: {user: private},"
            " services: {s: {command: [sleep, infinity]}}}\n"
            "  b: {interfaces: {eth0: lan}}\n")
    HOW = (
        "rm -rf /run/nslab",
        "rm -rf /run/nslab/torn",
        "rm -rf --one-file-system /run/nslab",
        "rm -rf /run/nslab/torn.*",
        *(f"rm -rf /run/nslab/torn/{each}" for each in
          ("ids", "nodes", "nodes/a", "nodes/b", "base", "base/etc", "own", "sysctl", "layers-size", "nodes/a/init.sock", "layers",
            "layers/a", "layers/b/upper")),
        "umount -l /run/nslab/torn; rm -rf /run/nslab",
        "umount -l /run/nslab/torn/ns; umount -l /run/nslab/torn/layers; umount -l /run/nslab/torn; rm -rf /run/nslab",
    )

    def test_up_mends_it_and_down_works(self):
        for how in self.HOW:
            for mend in (True, False):
                with self.subTest(how, mend=mend), take_down_on_failure():
                    before = residue.snapshot()
                    file = lab_file(self.TEXT)
                    lab = bring_up(file)
                    run("sh", "-c", how)
                    if mend:
                        succeed(nslab("up", file))
                        self.assert_nothing_to_do(file)
                        lab.read("a", "ping", "-n", "-c1", "-W1", "b")
                        lab.read("b", "ping", "-n", "-c1", "-W1", "a")
                        lab.up(self.TEXT + "  c: {interfaces: {eth0: lan}}\n")
                        lab.read("a", "ping", "-n", "-c1", "-W1", "c")
                        lab.shell("b", "echo >/root/written")
                    self.expect(nslab("down", "torn"), 0, out="gone")
                    if how.endswith("/run/nslab"):
                        with contextlib.suppress(FileNotFoundError):
                            os.rmdir("/run/netns")  # that nslab made it was noted in what was removed
                    self.assert_no_residue(before)


def listen(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


class Covered(NslabTest):
    def test_a_lab_below_a_mount_is_not_said_to_be_gone(self):
        before = residue.snapshot()
        file = lab_file(TEXT, "state")
        lab = bring_up(file)
        names = sorted(each.name for each in NAMES.iterdir())
        identity = lab.identity("a")
        succeed(run("mount", "-t", "tmpfs", "cover", STATE))
        try:
            for target in ("state", file):
                self.expect(nslab("down", target), 1, err=["another state directory", "can be seen"])
            self.expect(nslab("up", file), 1, err="another state directory")
            self.expect(nslab("down", "--all"), 0)
            self.expect(nslab("prune"), 0, err="nothing to prune")
        finally:
            unmount(STATE)
        self.assertEqual(sorted(each.name for each in NAMES.iterdir()), names)
        self.assertEqual(lab.identity("a"), identity)
        self.assert_nothing_to_do(file)
        succeed(nslab("down", "state"))
        self.assert_no_residue(before)


class Moved(NslabTest):
    def test_a_lab_whose_directory_moved_is_not_said_to_be_gone(self):
        """Nor made a second time: it is said where it is, and what puts it right."""
        before = residue.snapshot()
        file = lab_file(TEXT, "state")
        bring_up(file)
        self.addCleanup(nslab, "down", "--all", "--yes")
        elsewhere = Path("/run/elsewhere")
        STATE.rename(elsewhere)
        for words in (["down", "state"], ["down", file], ["down", "--all", "--yes"], ["up", file],
                      ["plan", file], ["status", "state"], ["prune", "--yes"]):
            with self.subTest(words):
                self.expect(nslab(*words), 1, err=[str(elsewhere / "state"), f"mv -T {elsewhere} {STATE}"])
        succeed(run("mv", "-T", elsewhere, STATE))
        self.assert_nothing_to_do(file)
        self.expect(nslab("down", "state"), 0, out="gone")
        self.assert_no_residue(before)


class Records(NslabTest):
    """What stands where a record or a lock is and is none: no hang, no end of memory."""

    KINDS = {
        "a pipe": os.mkfifo,
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "a link to nothing": lambda path: path.symlink_to("/nonexistent/x"),
        "a socket": listen,
        "a sparse file": lambda path: (path.touch(), os.truncate(path, 900 << 30)),
        "an empty file": lambda path: path.touch(),
    }

    def test_down_works(self):
        file = lab_file(TEXT, "state")
        for suffix in ("applied", "intended", "intended.new"):
            for what, plant in self.KINDS.items():
                with self.subTest(suffix=suffix, what=what):
                    before = residue.snapshot()
                    bring_up(file)
                    path = STATE / f"state.{suffix}"
                    path.unlink(missing_ok=True)
                    plant(path)
                    for words in (["ls"], ["status", "state"], ["up", file], ["plan", file]):
                        succeed(nslab(*words, timeout=30))
                    if not path.exists() and not path.is_symlink():
                        plant(path)
                    self.expect(nslab("down", "state", timeout=30), 0, out="gone")
                    self.assert_no_residue(before)

    def test_a_directory_is_somebody_elses(self):
        file = lab_file(TEXT, "state")
        for suffix in ("applied", "intended", "intended.new", "lock"):
            with self.subTest(suffix):
                path = STATE / f"state.{suffix}"
                (path / "precious").mkdir(parents=True)
                self.expect(nslab("up", file), 1, err=[str(path), "nslab did not make it"])
                self.assertEqual(succeed(nslab("ls", "--json")).json, [])
                shutil.rmtree(path)
                bring_up(file)
                path.unlink(missing_ok=True)
                path.mkdir()
                if suffix == "lock":
                    self.expect(nslab("down", "state"), 1, err=[str(path), "remove it"])
                    path.rmdir()
                self.expect(nslab("down", "state"), 0, out="gone")
                if suffix != "lock":
                    path.rmdir()
                if STATE.exists():
                    STATE.rmdir()


if __name__ == "__main__":
    main()
