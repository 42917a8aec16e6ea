"""nslab doctor says what the host offers and lacks, and a lab that needs more is refused before
anything of it is made."""

import unittest
from pathlib import Path

from nslab_test import FILES, NSLAB, ROOT, NslabTest, eventually, lab_file, main, nslab, residue, run, sandbox, succeed

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
STATES = {"present", "limited", "missing", "unknown"}
KEYS = ["id", "what", "state", "detail", "required", "still-works", "remedy"]


def in_userns(script, *arguments):
    """As root of a user namespace, whose limits the script may lower."""
    return run("unshare", "--user", "--map-root-user", "--", "sh", "-c", f'{script}; exec "$@"', "sh",
               NSLAB, *arguments)


def features(result):
    return {each["id"]: each for each in result.json["features"]}


def controllers(root):
    """Of a hierarchy; those of version 1 are in the name of their directory."""
    file = root / "cgroup.controllers"
    return file.read_text().split() if file.exists() else root.name.split(",")


def versions_of(controller):
    return {2 if (root / "cgroup.controllers").exists() else 1
            for root in sandbox.cgroup_roots() if controller in controllers(root)}


def cgroups_of_doctors():
    return {path for root in sandbox.cgroup_roots() for path in root.glob("nslab-doctor-*")}


class Doctor(NslabTest):
    def test_every_row_says_what_it_is_and_what_to_do(self):
        result = nslab("doctor", "--json")
        self.assertEqual(set(result.json), {"ready", "features"})
        self.assertEqual(result.code, 0 if result.json["ready"] else 1, result)
        for each in result.json["features"]:
            with self.subTest(feature=each["id"]):
                self.assertEqual(list(each), KEYS)
                self.assertIn(each["state"], STATES)
                self.assertIsInstance(each["required"], bool)
                self.assertEqual(each["remedy"] == "", each["state"] == "present")
                self.assertTrue(each["what"] and each["still-works"])
        self.assertEqual(len(features(result)), len(result.json["features"]), "every id once")

    def test_it_sees_what_the_kernel_has(self):
        found = features(nslab("doctor", "--json"))
        for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
            self.assertEqual(found[f"namespace:{kind}"]["state"], "present")
        kinds = {"dummy": [], "ifb": [], "bridge": [], "vrf": ["table", "7"], "wireguard": [],
                 "vxlan": ["id", "7", "dstport", "4789"]}
        for kind, options in kinds.items():
            made = run("ip", "link", "add", "name", "doctor-try", "type", kind, *options)
            run("ip", "link", "delete", "doctor-try")
            self.assertEqual(found[kind]["state"], "present" if made.code == 0 else "missing", made)
        made = run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
        run("tc", "qdisc", "delete", "dev", "lo", "root")
        self.assertEqual(found["netem"]["state"], "present" if made.code == 0 else "missing", made)
        self.assertEqual(found["limit:net-namespaces"]["detail"], "user.max_net_namespaces = " +
                         Path("/proc/sys/user/max_net_namespaces").read_text().strip())

    def test_it_sees_the_controllers_of_each_version(self):
        found = features(nslab("doctor", "--json"))
        for controller in ("cpu", "cpuset", "memory", "pids"):
            versions = versions_of(controller)
            with self.subTest(controller=controller):
                self.assertEqual(found[f"cgroup:{controller}"]["state"] == "present", bool(versions))
                self.assertEqual(found[f"cgroup-v2:{controller}"]["state"] == "present", 2 in versions)

    def test_the_host_is_as_it_was(self):
        before, cgroups = residue.snapshot(), cgroups_of_doctors()
        nslab("doctor")
        new = cgroups_of_doctors() - cgroups
        self.assert_no_residue(before)
        # Another doctor may be at work outside this sandbox; its cgroups go as well.
        eventually(lambda: not any(path.exists() for path in new), f"{new} are gone")

    def test_the_table_has_every_row_and_ends_in_a_verdict(self):
        rows = features(nslab("doctor", "--json"))
        result = nslab("doctor")
        lines = result.out.splitlines()
        self.assertEqual([line.split()[0] for line in lines[1:len(rows) + 1]], list(rows))
        self.assertIn("what nslab itself needs", lines[-1])
        for row in rows.values():
            if row["state"] != "present":
                self.assertIn(f"{row['state']} {row['id']}: {row['what']}", result.out)
                self.assertIn(f"remedy: {row['remedy']}", result.out)

    def test_the_reference_has_every_row(self):
        page = (ROOT / "docs/reference/host.md").read_text().splitlines()
        rows = [f"| `{each['id']}` | {each['what']} | {'yes' if each['required'] else '-'} | {each['still-works']} |"
                for each in nslab("doctor", "--json").json["features"]]
        self.assertEqual([line for line in page if line.startswith("| `")], rows)

    def test_who_is_not_root_hears_what_could_not_be_tried(self):
        with open(NSLAB, "rb") as program:
            result = run(*NOBODY, f"/proc/self/fd/{program.fileno()}", "doctor", "--json",
                         pass_fds=[program.fileno()])
        found = features(result)
        self.assertEqual(set(found), set(features(nslab("doctor", "--json"))))
        self.assertIn("takes root", result.err)
        self.assertEqual(found["cgroup"]["state"], "unknown")
        self.assertEqual(found["cgroup"]["remedy"], "run it as root")
        self.assertEqual(result.code, 1, "what nslab needs was not seen")

    def test_no_room_for_namespaces_is_seen(self):
        result = in_userns("echo 0 >/proc/sys/user/max_net_namespaces", "doctor", "--json")
        found = features(result)
        self.assertEqual(result.code, 1)
        self.assertFalse(result.json["ready"])
        self.assertEqual(found["namespace:net"]["state"], "missing")
        self.assertIn("user.max_net_namespaces = 0", found["namespace:net"]["detail"])
        self.assertIn("sysctl -w user.max_net_namespaces=", found["namespace:net"]["remedy"])
        self.assertEqual(found["limit:net-namespaces"]["state"], "missing")
        self.assertEqual(found["veth"]["state"], "unknown", "there was no namespace to try it in")


# {row: (how it is broken, in namespaces of its own; what encloses it)}. Each remedy is typed as it is printed.
MOUNTS = ["unshare", "--mount", "--propagation", "private"]
USERS = ["unshare", "--user", "--map-root-user"]
BROKEN = {
    "cgroup": ("umount -lR /sys/fs/cgroup", MOUNTS),
    "tun": ("mount -t tmpfs none /dev/net", MOUNTS),
    **{f"namespace:{kind}": (f"echo 0 >/proc/sys/user/max_{kind}_namespaces", USERS)
       for kind in ("net", "pid", "uts", "ipc", "cgroup", "time")},
    **{f"limit:{kind}-namespaces": (f"echo 1 >/proc/sys/user/max_{kind}_namespaces", USERS)
       for kind in ("net", "pid", "mnt", "uts", "ipc", "cgroup", "user", "time")},
}
def may_raise_limits():
    bounding = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    return int(bounding.split()[1], 16) >> 24 & 1  # CAP_SYS_RESOURCE


if may_raise_limits():
    BROKEN["limit:open-files"] = ("ulimit -n 100", MOUNTS)
for controller in ("memory", "cpu", "cpuset", "pids"):  # a hierarchy of version 1 that is not mounted
    for root in sandbox.cgroup_roots():
        if not (root / "cgroup.controllers").exists() and controller in controllers(root):
            BROKEN[f"cgroup:{controller}"] = (f"umount -l {root}", MOUNTS)


# Prints what doctor says of a row before, the remedy, and what it says after it.
CURE = r"""
look() { "$NSLAB" doctor --json | python3 -c 'import json, sys
row = next(each for each in json.load(sys.stdin)["features"] if each["id"] == sys.argv[1])
print(row["state"]); print(row["remedy"])' "$1"; }
$2
look "$1" > "$3"; cat "$3"
eval "$(sed -n 2p "$3")" >/dev/null
look "$1"
"""


class Remedies(NslabTest):
    def cure(self, row, breaks, around):
        """The state of the row in a host that is broken so, the remedy, and the state after it was typed."""
        script = CURE.replace("$2", breaks)
        done = run(*around, "bash", "-c", script, "bash", row, "", FILES / "row", env={"NSLAB": NSLAB})
        return (done.out.splitlines() + ["", "", ""])[:3], done

    def test_each_that_can_be_typed_cures(self):
        for row, (breaks, around) in BROKEN.items():
            with self.subTest(row=row):
                (before, remedy, after), done = self.cure(row, breaks, around)
                self.assertIn(before, ("missing", "limited"), done)
                self.assertTrue(remedy, done)
                self.assertEqual(after, "present", done)

    def test_version_2_beside_version_1(self):
        roots = [root for root in sandbox.cgroup_roots() if (root / "cgroup.controllers").exists()]
        if not roots or roots == [Path("/sys/fs/cgroup")]:
            self.skipTest("no hierarchy of version 2 beside others")
        for row in ("cgroup-v2", "cgroup-v2:kill"):
            (before, _, after), done = self.cure(row, f"umount -l {roots[0]}", MOUNTS)
            self.assertEqual(before, "missing", done)
            self.assertIn(after, ("present", "limited"), done)

    def test_a_chroot_is_to_be_left(self):
        script = 'mkdir /run/jail && mount --rbind / /run/jail && chroot /run/jail "$NSLAB" doctor --json'
        found = features(run(*MOUNTS, "sh", "-c", script, env={"NSLAB": NSLAB}))
        Path("/run/jail").rmdir()
        self.assertEqual(found["namespace:user"]["state"], "missing")
        self.assertIn("leave the chroot", found["namespace:user"]["remedy"])

    def test_what_the_kernel_lacks_is_named_as_it_is_built(self):
        found = features(nslab("doctor", "--json"))
        for row, option in (("vlan", "CONFIG_VLAN_8021Q"), ("vrf", "CONFIG_NET_VRF"), ("dummy", "CONFIG_DUMMY"),
                            ("wireguard", "CONFIG_WIREGUARD"), ("netem", "CONFIG_NET_SCH_NETEM"),
                            ("bridge-vlan", "CONFIG_BRIDGE_VLAN_FILTERING"), ("nftables", "CONFIG_NF_TABLES")):
            if found[row]["state"] == "missing" and not found[row]["remedy"].startswith("modprobe "):
                self.assertIn(option, found[row]["remedy"])

    def test_what_cannot_be_tried_says_what_that_takes(self):
        found = features(in_userns("echo 0 >/proc/sys/user/max_net_namespaces", "doctor", "--json"))
        self.assertEqual(found["veth"]["state"], "unknown")
        self.assertIn("mend namespace:net first", found["veth"]["remedy"])


LIMITED = """name: limited
nodes:
  free: {}
  web:
    limits: {pids: 10, memory: 64M}
  db:
    limits:
      memory: 64M
"""

FOUR = """name: four
subnets: {lan: 10.0.0.0/24}
nodes:
  a: {interfaces: {eth0: lan}}
  b: {interfaces: {eth0: lan}}
  c: {interfaces: {eth0: lan}}
  d: {interfaces: {eth0: lan}}
"""


def without_memory_controller(*arguments):
    """In a mount namespace that lacks the hierarchies that have it."""
    hide = "; ".join(f"umount -l {root}" for root in sandbox.cgroup_roots() if "memory" in controllers(root))
    return run("unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", f'{hide}; exec "$@"', "sh",
               NSLAB, *arguments)


class LabBeyondTheHost(NslabTest):
    def refused(self, run_nslab, file, where, words):
        """Both up and plan refuse the file at that line, in these words, and leave nothing."""
        before = residue.snapshot()
        for command in ("plan", "up"):
            with self.subTest(command=command):
                result = self.expect(run_nslab(command, file), 1, err=[f"{file}:{where}: error: ", "hint: ", *words])
                self.assertEqual(result.out, "")
        self.assert_no_residue(before)

    def test_a_missing_controller_is_named_at_the_first_limit_that_needs_it(self):
        file = lab_file(LIMITED, "limited")
        if 2 in versions_of("memory"):  # then it goes with all other cgroups
            self.expect(without_memory_controller("plan", file), 1, err="no cgroup hierarchy is mounted")
            return
        self.refused(without_memory_controller, file, "5:5", ["node 'web' and 1 more need a limit on memory"])
        succeed(without_memory_controller("plan", file, "--without-limits"))

    def test_a_lab_with_more_namespaces_than_the_host_allows(self):
        def few(*arguments):
            return in_userns("echo 3 >/proc/sys/user/max_net_namespaces", *arguments)

        # The lab's switch is the first, so that c's is one too many.
        self.refused(few, lab_file(FOUR, "four"), "6:3",
                     ["the lab needs 5 network namespaces, and this host allows 3 (user.max_net_namespaces)",
                      "hint: sysctl -w user.max_net_namespaces="])

    def test_a_lab_that_just_fits_is_not_refused(self):
        result = in_userns("echo 5 >/proc/sys/user/max_net_namespaces", "plan", lab_file(FOUR, "four"))
        self.expect(result, 0, out="to create")

    def test_a_lab_with_more_descriptors_than_nslab_may_open(self):
        def few(*arguments):
            return run("prlimit", "--nofile=20:20", NSLAB, *arguments)

        self.refused(few, lab_file(FOUR, "four"), "5:3", ["open files, and this host allows 20",
                      "hint: ulimit -Hn ", "in the shell" if may_raise_limits() else "--ulimit nofile="])

    def test_a_large_lab_makes_do_with_the_usual_descriptors(self):
        text = "name: large\nnodes:\n" + "".join(f"  n{i}: {{}}\n" for i in range(600))
        succeed(run("prlimit", "--nofile=1024:1024", NSLAB, "plan", lab_file(text, "large")))
        result = run("prlimit", "--nofile=1000:1000", NSLAB, "plan", lab_file(text, "large"))
        self.expect(result, 1, err="the lab needs 1024 open files, and this host allows 1000")

    def test_more_neighbours_than_the_kernel_remembers_are_a_warning(self):
        limit = features(nslab("doctor", "--json"))["limit:neighbours-ipv4"]["detail"]
        most = int(limit.rsplit(" ", 1)[1])
        nodes = 50
        subnets = most // (2 * (nodes - 1)) + 1
        text = "name: crowd\nsubnets:\n"
        text += "".join(f"  s{i}: 10.{i // 256}.{i % 256}.0/24\n" for i in range(subnets))
        interfaces = ", ".join(f"eth{i}: s{i}" for i in range(subnets))
        text += "nodes:\n" + "".join(f"  n{i}: {{interfaces: {{{interfaces}}}}}\n" for i in range(nodes))
        result = succeed(nslab("plan", lab_file(text, "crowd")))
        self.assertIn("warning: the lab's nodes will know", result.err)
        self.assertIn(f"remembers {most} ", result.err)
        self.assertIn("hint: sysctl -w net.ipv4.neigh.default.gc_thresh3=", result.err)
        self.assertNotIn("warning", succeed(nslab("plan", lab_file(FOUR, "four"))).err)


if __name__ == "__main__":
    main()
