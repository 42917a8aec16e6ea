"""nslab doctor says what the host offers and lacks, and a lab that needs more is refused before
anything of it is made."""

import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, main, nslab, residue, run, sandbox

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
STATES = {"present", "limited", "missing", "unknown"}
KEYS = ["id", "what", "state", "detail", "required", "still-works", "remedy"]


def in_userns(script, *arguments):
    """As root of a user namespace, whose limits the script may lower."""
    return run("unshare", "--user", "--map-root-user", "--", "sh", "-c", f'{script}; exec "$@"', "sh",
               NSLAB, *arguments)


def features(result):
    return {each["id"]: each for each in result.json["features"]}


def state_files():
    """What a doctor must leave as it is."""
    cgroups = {str(path) for root in sandbox.cgroup_roots() for path in root.iterdir() if path.is_dir()}
    control = {str(path): path.read_text() for root in sandbox.cgroup_roots()
               for path in [root / "cgroup.subtree_control"] if path.exists()}
    return {each for each in cgroups if "nslab-doctor-" in each}, control


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
        listed = {controller: set() for controller in ("cpu", "cpuset", "memory", "pids")}
        for root in sandbox.cgroup_roots():
            version2 = (root / "cgroup.controllers").exists()
            here = (root / "cgroup.controllers").read_text().split() if version2 else [root.name]
            for controller in listed:
                if controller in ",".join(here).split(","):
                    listed[controller].add(2 if version2 else 1)
        for controller, versions in listed.items():
            with self.subTest(controller=controller):
                self.assertEqual(found[f"cgroup:{controller}"]["state"] == "present", bool(versions))
                self.assertEqual(found[f"cgroup-v2:{controller}"]["state"] == "present", 2 in versions)

    def test_the_host_is_as_it_was(self):
        before, cgroups = residue.snapshot(), state_files()
        nslab("doctor")
        self.assert_no_residue(before)
        self.assertEqual(state_files(), cgroups)

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


if __name__ == "__main__":
    main()
