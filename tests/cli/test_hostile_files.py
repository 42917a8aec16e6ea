"""What a hostile program in a node tries on files: the host's, and by way of what nslab writes."""

import contextlib
import json
import os
import socket
import threading
import unittest
from pathlib import Path

import hostile
from hostile import BOUND, SECRET, tried
from nslab_test import FILES, eventually, lab_file, main, nslab, succeed

IN_ITS_ROOT = "its own init writes, inside its root, and replaces the link"
MAGIC = "the links of `/proc` to what a process has open are not followed"


def with_files(content, more=""):
    return hostile.LAB.replace("  services:\n", f"""  files:
    /etc/motd: "{content}"
    /opt/deep/run.sh: "{content}"
  services:
""", 1).replace("  mounts:\n", "  mounts:\n" + more, 1)


@contextlib.contextmanager
def lying_init(path, replies):
    """Listens where a node's init did, and answers each request with these packets."""
    path.rename(path.with_suffix(".real"))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(16)

    def answer(client):
        with client, contextlib.suppress(OSError):
            while client.recv(1 << 18):
                for reply in replies:
                    client.send(b"".join(text.encode() + b"\0" for text in reply))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if path.with_suffix(".real").exists():  # the lab is still the same
            path.with_suffix(".real").rename(path)


class HostileFiles(hostile.HostileTest):
    heading = "Files"
    text = with_files("first")

    def up(self, *arguments):
        return nslab("up", lab_file(with_files(*arguments), "hostile"))

    @tried("write, replace or remove files of the host in its root", "its root is an overlay", "its root is an overlay")
    def test_files_of_the_host(self, node):
        path = Path("/etc/debian_version")
        before = path.read_bytes(), path.stat()
        came = self.attempt(node, f"open('{path}', 'a').write('mine')", f"os.rename('{path}', '/root/moved')",
                            f"open('{path}', 'w').write('mine')", f"os.remove('{path}')", f"os.mkdir('{path}')")
        self.assertTrue(all(each.startswith("succeeded") for each in came), came)
        self.assertEqual((path.read_bytes(), path.stat()), before)

    @tried("write through a `read_only` bind mount", "read-only", "read-only")
    def test_read_only(self, node):
        self.refused(node, "EROFS EACCES", "write_into('/bound-ro/file')", "open('/bound-ro/new', 'w')",
                     "os.remove('/bound-ro/file')")

    @tried("write files of the host's root in a directory that is bound into the node", private="its root is an ordinary user there")
    def test_bound_files(self, node):
        self.refused(node, "EACCES EPERM", "write_into('/bound/file')", "open('/bound/new', 'w')", "os.remove('/bound/file')",
                     "os.chmod('/bound/file', 0o666)")

    @tried("put a symbolic link where `files` are written", IN_ITS_ROOT, IN_ITS_ROOT)
    def test_link_in_the_place_of_a_file(self, node):
        self.running.shell(node, f"ln -sf /bound/file /etc/motd; ln -sf {SECRET} /opt/deep/run.sh")
        succeed(self.up(f"through a link from {node}"))
        self.assertEqual((BOUND / "file").read_text(), "bound\n")
        self.assertEqual(SECRET.read_text(), "of the host\n")
        self.running.shell(node, "test ! -L /etc/motd && test ! -L /opt/deep/run.sh && grep -q through /opt/deep/run.sh")

    @tried("put a pipe there, to hold nslab up", "what is no file is replaced", "what is no file is replaced")
    def test_pipe_in_the_place_of_a_file(self, node):
        self.running.shell(node, "rm /etc/motd; mkfifo /etc/motd")
        succeed(self.up(f"over a pipe in {node}"))
        self.assertEqual(self.running.shell(node, "cat /etc/motd"), f"over a pipe in {node}")

    @tried("put a symbolic link in the place of a directory on the way to a file", "it is followed inside the node's root",
           "it is followed inside the node's root")
    def test_link_on_the_way(self, node):
        self.running.shell(node, f"rm -r /opt/deep; mkdir -p {FILES}; ln -s {FILES} /opt/deep")
        try:
            succeed(self.up(f"on another way in {node}"))
            self.assertFalse((FILES / "run.sh").exists(), "it led out of the node")
            self.assertIn("another way", self.running.shell(node, f"cat {FILES}/run.sh"))
        finally:
            self.running.shell(node, "rm /opt/deep; mkdir /opt/deep")
            succeed(self.up("first"))

    @tried("put a link there to what the init has open: `/proc/1/root`, `/proc/1/cwd`, `/proc/1/fd`", MAGIC, MAGIC)
    def test_magic_link_on_the_way(self, node):
        for link in ("/proc/1/root/root", "/proc/1/cwd/root", "/proc/1/fd"):
            self.running.shell(node, f"rm -r /opt/deep; ln -s {link} /opt/deep")
            try:
                result = self.up(f"by magic in {node}")
                self.assertNotEqual(result.code, 0, str(result))
                self.assertIn("/opt/deep/run.sh", result.err, str(result))
                self.running.shell(node, "test ! -e /root/run.sh")
            finally:
                self.running.shell(node, "rm /opt/deep; mkdir /opt/deep")
                succeed(self.up("first"))

    @tried("put a symbolic link where something is to be mounted", "the link is replaced", "the link is replaced")
    def test_link_in_the_place_of_a_mount(self, node):
        self.running.shell(node, "mkdir /root/covered; touch /root/covered/here; ln -s /root/covered /here; ln -s /root/covered /there")
        succeed(self.up("first", f"    /here: {{tmpfs: 1M}}\n    /there: {{bind: {BOUND}}}\n"))
        try:
            self.running.shell(node, "test -e /root/covered/here && test ! -L /here && test -e /there/file")
            self.assertEqual(self.running.read(node, "stat", "-f", "-c", "%T", "/here"), "tmpfs")
        finally:
            succeed(self.up("first"))

    @tried("fill its root with links to the host, for `down` to follow", "`down` does not follow links",
           "`down` does not follow links")
    def test_links_for_down(self, node):
        victim = FILES / "victim"
        victim.mkdir(exist_ok=True)
        (victim / "file").write_text("")
        with self.lab(hostile.LAB.replace("name: hostile", "name: leaving")) as lab:
            for place in ("/root/all", "/etc/all", "/link"):
                lab.shell(node, f"ln -s {FILES} {place}; ln -s / {place}-of-it")
        self.assertTrue((victim / "file").exists() and Path("/etc/debian_version").exists())

    @tried("take over its init and lie to nslab about what there is", "it is believed about its own node only",
           "it is believed about its own node only")
    def test_lying_init(self, node):
        victim = FILES / "victim"
        victim.mkdir(exist_ok=True)
        (victim / "file").write_text("")
        file = lab_file(hostile.LAB.replace("name: hostile", "name: lying"), "lying")
        path = Path("/run/nslab/lying/nodes", node, "init.sock")
        with self.lab(file) as lab:
            replies = [["node", "hostname=x", "spec=" + json.dumps(self.spec_of(lab, node, each))]
                       for each in ("../../../lab-files/victim", "../other", "..", "other")]
            with lying_init(path, replies + [["end"]]):
                ids = {step["id"] for step in succeed(nslab("plan", file, "--json")).json["steps"]}
                self.assertFalse([each for each in ids if ".." in each or "other" in each], ids)
                succeed(nslab("down", "lying"))
            self.assertTrue((victim / "file").exists(), "down removed what a node named")
            succeed(nslab("up", file))

    @tried("have it talk nonsense, or more than nslab can hold, for `down` to fail", "the node goes all the same",
           "the node goes all the same")
    def test_babbling_init(self, node):
        file = lab_file(hostile.LAB.replace("name: hostile", "name: babbling"), "babbling")
        for replies in ([["no verb", "no field"]], [[""]], [["file", "content=" + "x" * 100_000]] * 2000):
            with self.lab(file) as lab, lying_init(Path("/run/nslab/babbling/nodes", node, "init.sock"), replies):
                ids = {step["id"] for step in succeed(nslab("plan", file, "--json")).json["steps"]}
                self.assertIn(f"node:{node}", ids)
                self.assertFalse([each for each in ids if "other" in each], ids)
                succeed(nslab("down", "babbling"))
                succeed(nslab("up", file))

    def spec_of(self, lab, node, name):
        """What the init remembers of its node, with another name in it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(f"/run/nslab/{lab.name}/nodes/{node}/init.sock")
            client.send(b"status\0")
            fields = client.recv(1 << 18).split(b"\0")
        spec = json.loads(next(each for each in fields if each.startswith(b"spec="))[5:])
        spec["name"] = name
        return spec

    @tried("fill the host's memory by way of its log", "the log keeps its last MiB", "the log keeps its last MiB")
    def test_log(self, node):
        text = hostile.LAB.replace("name: hostile", "name: talking").replace(
            "command: sleep infinity", "command: [python3, -c, \"import time; print('x' * 79 + chr(10), end='' , flush=True);"
                                       " [print('x' * 79) for _ in range(100000)]; print('said', flush=True); time.sleep(1000)\"],"
                                       " ready: {exec: 'true'}")
        with self.lab(text) as lab:
            log = Path("/run/nslab/talking/log", node, "idle.log")
            eventually(lambda: log.read_text().endswith("said\n"), "all of it was said", 30)
            self.assertLessEqual(log.stat().st_size, 1 << 20)
            self.assertEqual(lab.node_status(node)["state"], "up")


if __name__ == "__main__":
    main()
