"""What a node sees and may do: its own file system, a kernel that it cannot harm."""

import os
import re
import unittest
from pathlib import Path

from nslab_test import FILES, Lab, NslabTest, lab_file, main, needs, nslab, residue, succeed

SOURCE = FILES / "bound"

LAB = f"""
name: node
subnets: {{net: 10.140.0.0/24}}
nodes:
  a:
    hostname: alpha
    interfaces: {{eth0: net}}
    files:
      /etc/motd: "welcome\\n"
      /opt/deep/down/run.sh: {{content: "#!/bin/sh\\necho ran\\n", mode: "0755"}}
    mounts:
      /bound: {{bind: {SOURCE}}}
      /bound-ro: {{bind: {SOURCE}, read_only: true}}
      /scratch: {{tmpfs: 2M}}
  b: {{interfaces: {{eth0: net}}}}
  sharing: {{root: host}}
"""

DANGEROUS = {"SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_BOOT": 22, "SYS_TIME": 25}


class Node(NslabTest):
    @classmethod
    def setUpClass(cls):
        SOURCE.mkdir(exist_ok=True)
        (SOURCE / "file").write_text("from the host\n")
        cls.before = residue.snapshot()
        succeed(nslab("up", lab_file(LAB, "node")))
        cls.running = Lab("node")

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "node"))
        found = residue.settled(cls.before)
        assert not found, found

    def fails_in(self, node, script):
        result = self.running.exec(node, "sh", "-c", script)
        self.assertNotEqual(result.code, 0, result)
        return result

    # The file system

    def test_it_sees_the_host_and_writes_its_own(self):
        self.running.shell("a", "echo mine >/root/written; echo changed >/etc/hostname; rm -r /usr/share/doc")
        self.assertEqual(self.running.read("a", "cat", "/root/written"), "mine")
        self.fails_in("b", "cat /root/written")
        self.assertFalse(Path("/root/written").exists())
        self.assertTrue(Path("/usr/share/doc").is_dir())
        self.running.shell("a", "echo alpha >/etc/hostname")

    def test_its_own_etc(self):
        self.assertEqual(self.running.read("a", "cat", "/etc/hostname"), "alpha")
        hosts = self.running.read("b", "cat", "/etc/hosts")
        self.assertRegex(hosts, r"(?m)^10\.140\.0\.1\s+alpha\s+a$")
        self.assertRegex(hosts, r"(?m)^127\.0\.0\.1\s+localhost")
        self.assertNotEqual(Path("/etc/hosts").read_text(), hosts)
        self.running.read("b", "test", "!", "-L", "/etc/resolv.conf")

    def test_its_own_run_tmp_proc_sys_and_dev(self):
        self.assertEqual(self.running.shell("a", "ls -A /tmp"), "")
        self.assertNotIn("nslab", self.running.shell("a", "ls -A /run"))
        numbers = [name for name in self.running.shell("a", "ls /proc").split() if name.isdigit()]
        self.assertLess(len(numbers), 8)
        self.assertEqual(set(self.running.shell("a", "ls /sys/class/net").split()), {"lo", "eth0"})
        devices = set(self.running.shell("a", "ls /dev").split())
        wanted = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "net", "pts", "shm", "mqueue",
                  "fd", "stdin", "stdout", "stderr"}
        self.assertEqual(devices - {"core", "console"}, wanted)
        self.running.shell("a", "head -c1 /dev/zero >/dev/null; head -c1 /dev/urandom >/dev/shm/x; rm /dev/shm/x;"
                                "test -c /dev/net/tun; python3 -c 'import pty; pty.openpty()'")

    def test_the_mount_table_of_the_host_does_not_change(self):
        """But for the lab's own directory, which holds all of its mounts."""
        new = residue.mounts() - self.before["mount"]
        for mount in new:
            self.assertIn("/run/nslab/node", mount)
        self.assertLessEqual(len({mount.split(": ", 1)[1] for mount in new}), 7,
                             "the lab, its layers, its names, 4 namespaces")
        inside = [line.split()[4] for line in self.running.read("a", "cat", "/proc/self/mountinfo").splitlines()]
        self.assertFalse([target for target in inside if "nslab" in target], "the lab's own mounts in a node")

    def test_files(self):
        self.assertEqual(self.running.read("a", "cat", "/etc/motd"), "welcome")
        self.assertEqual(self.running.read("a", "/opt/deep/down/run.sh"), "ran")
        self.assertFalse(Path("/opt/deep").exists())

    def test_mounts(self):
        self.assertEqual(self.running.read("a", "cat", "/bound/file"), "from the host")
        self.running.shell("a", "echo back >/bound/back")
        self.assertEqual((SOURCE / "back").read_text(), "back\n")
        self.assertIn("Read-only", self.fails_in("a", "echo x >/bound-ro/x").err)
        self.assertEqual(self.running.read("a", "stat", "-f", "-c", "%T", "/scratch"), "tmpfs")
        self.assertIn("No space", self.fails_in("a", "head -c 4M /dev/zero >/scratch/big").err)
        self.running.shell("a", "rm /scratch/big /bound/back")

    def test_the_root_of_the_host(self):
        path = FILES / "written-by-sharing"
        self.running.read("sharing", "touch", path)
        self.assertTrue(path.exists())
        path.unlink()

    # What it cannot do

    def test_dangerous_capabilities_are_gone(self):
        for what in (["grep", "CapBnd", "/proc/1/status"], ["grep", "CapBnd", "/proc/self/status"],
                     ["grep", "CapEff", "/proc/self/status"]):
            mask = int(self.running.read("a", *what).split()[1], 16)
            self.assertEqual([name for name, bit in DANGEROUS.items() if mask >> bit & 1], [], what)

    def test_reboot_and_the_clock_and_sysrq_are_out_of_reach(self):
        self.fails_in("a", "python3 -c 'import ctypes; raise SystemExit(ctypes.CDLL(None).reboot(0) != 0)'")
        self.fails_in("a", "python3 -c 'import time; time.clock_settime(0, time.time())'")
        for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/panic", "/proc/sys/vm/drop_caches",
                     "/proc/sys/kernel/core_pattern", "/sys/kernel/mm/ksm/run"):
            if Path(path).exists():
                old = None if path.endswith(("trigger", "drop_caches")) else Path(path).read_text()
                # Opened for writing, never written: were it writable, nothing would happen.
                self.fails_in("a", f"python3 -c 'open(\"{path}\", \"w\")'")
                if old is not None:
                    self.assertEqual(Path(path).read_text(), old)

    def test_its_own_sysctls_are_in_reach(self):
        self.running.shell("a", "echo 1 >/proc/sys/net/ipv4/conf/all/log_martians")
        self.assertEqual(self.running.read("a", "cat", "/proc/sys/net/ipv4/conf/all/log_martians"), "1")
        self.assertEqual(self.running.read("b", "cat", "/proc/sys/net/ipv4/conf/all/log_martians"), "0")
        self.running.shell("a", "echo 0 >/proc/sys/net/ipv4/conf/all/log_martians")

    def test_the_hosts_disks_and_cgroups_are_out_of_reach(self):
        self.fails_in("a", "mknod /disk b 254 0 && head -c1 /disk")
        self.fails_in("a", "mknod /dev/disk b 254 0 && head -c1 /dev/disk")
        before = residue.cgroups()
        self.running.exec("a", "sh", "-c", "find /sys/fs/cgroup -maxdepth 3 -type d -exec mkdir {}/../escaped \\;")
        outside = [path for path in residue.cgroups() - before if "/node/" not in path]
        self.assertEqual(outside, [])

    def test_a_private_tool_box_works(self):
        """What a network lab is for: interfaces, tunnels, filters and captures of its own."""
        for command in ("ip link add br0 type bridge && ip link del br0",
                        "ip tuntap add tap0 mode tap && ip link del tap0",
                        "ip netns add inner && ip netns exec inner true && ip netns del inner",
                        "ip rule add from 10.0.0.1 lookup 7 && ip rule del from 10.0.0.1 lookup 7",
                        "mount -t tmpfs x /mnt && umount /mnt",
                        "su -s /bin/sh nobody -c true"):
            with self.subTest(command):
                self.running.shell("a", command)

    def test_the_program_and_its_init_cannot_be_reached_from_a_node(self):
        self.fails_in("a", "cat /run/nslab/node.applied")
        self.fails_in("a", "ls /run/nslab")

    def test_memory_of_an_init_is_small(self):
        text = Path("/proc", str(self.running.init("b")), "smaps_rollup").read_text()
        private = sum(int(number) for number in re.findall(r"Private_(?:Clean|Dirty):\s+(\d+) kB", text))
        self.assertLess(private, 1024, "KiB")
        self.assertEqual(os.getpgid(self.running.init("b")), self.running.init("b"), "a session of its own")


@needs("oom-score")
class WantOfMemory(NslabTest):
    """An init is the last that is ended; what it starts comes before the host's."""

    LAB = """
name: want
nodes:
  a: {services: {idle: {command: sleep infinity}}, setup: [cp /proc/self/oom_score_adj /tmp/setup]}
"""

    @staticmethod
    def score(pid):
        return int(Path("/proc", str(pid), "oom_score_adj").read_text())

    def test_scores(self):
        with self.lab(self.LAB) as lab:
            self.assertEqual(self.score(lab.init("a")), -999)
            self.assertEqual([self.score(pid) for pid in lab.services("a").values()], [500])
            self.assertEqual(lab.read("a", "cat", "/tmp/setup"), "500")
            self.assertEqual(lab.read("a", "cat", "/proc/self/oom_score_adj"), "500")


if __name__ == "__main__":
    main()
