"""`namespaces: {user: …}`: whose namespaces they are, and which ids of the host stand behind them."""

import contextlib
import os
import unittest

from nslab_test import FILES, NslabTest, lab_file, main, nslab, run, succeed

RANGE = 65536
# Where systemd has containers' users.
FIRST, LAST = 524288, 1879048191
PRIVATE = "{{name: {0}, nodes: {{web: {{namespaces: {{user: private}}}}, db: {{namespaces: {{user: private}}}}}}}}"


def first_id(lab, node):
    """The host's number of the node's root."""
    inside, outside, count = lab.read(node, "cat", "/proc/self/uid_map").split()
    assert (inside, count) == ("0", str(RANGE)), (inside, count)
    return int(outside)


@contextlib.contextmanager
def etc(name, content):
    """Another file in /etc, in this sandbox alone."""
    path = FILES / name
    path.write_text(content)
    succeed(run("mount", "--bind", path, f"/etc/{name}"))
    try:
        yield
    finally:
        run("umount", f"/etc/{name}")


class Ids(NslabTest):
    def test_each_lab_and_node_has_a_range_of_its_own(self):
        with self.lab(lab_file(PRIVATE.format("one"), "one")) as one, \
                self.lab(lab_file(PRIVATE.format("two"), "two")) as two:
            ids = [first_id(lab, node) for lab in (one, two) for node in ("web", "db")]
            self.assertEqual(len(set(ids)), 4, ids)
            for first in ids:
                self.assertEqual(first % RANGE, 0)
                self.assertTrue(FIRST <= first <= LAST - RANGE + 1, first)

    def test_the_same_in_every_life_unless_somebody_is_entered_for_it(self):
        file = lab_file(PRIVATE.format("one"), "one")
        with self.lab(file) as lab:
            first = first_id(lab, "web")
        with self.lab(file) as lab:
            self.assertEqual(first_id(lab, "web"), first)
        for table, line in (("subuid", f"somebody:{first + 70}:10\n"), ("subgid", f"root:{first - 5}:{RANGE}\n"),
                            ("passwd", f"root:x:0:0::/:/bin/sh\nsomebody:x:{first + 3}:0::/:/bin/sh\n"),
                            ("group", f"root:x:0:\nsomebody:x:{first + RANGE - 1}:\n")):
            if not os.path.exists(f"/etc/{table}"):
                continue
            with self.subTest(table=table), etc(table, line), self.lab(file) as lab:
                self.assertNotIn(first_id(lab, "web"), (first, first_id(lab, "db")))

    def test_where_none_are_left(self):
        with etc("subuid", f"somebody:0:{LAST + 1}\n"):
            refused = nslab("up", lab_file(PRIVATE.format("one"), "one"))
            self.expect(refused, 1, ["one.yaml:1:", "no 65536 user ids are left", "/etc/subuid"])
        self.expect(nslab("ls"), 0, out="")


class Unmapped(NslabTest):
    def test_a_root_that_cannot_be_mapped_is_refused(self):
        for each in ("lower", "upper", "work", "root"):
            (FILES / each).mkdir(exist_ok=True)
        succeed(run("mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={FILES}/lower,upperdir={FILES}/upper,workdir={FILES}/work", FILES / "root"))
        try:
            text = f"nodes:\n  a: {{root: {FILES}/root, namespaces: {{user: private}}}}\n"
            for verb in ("up", "plan"):
                self.expect(nslab(verb, lab_file(text)), 1,
                            ["lab.yaml:2:3", "does not let owners be mapped", "write 'user: host'"])
            self.expect(nslab("ls"), 0, out="")
        finally:
            succeed(run("umount", FILES / "root"))

    def test_what_cannot_work_is_refused_in_the_file(self):
        for keys, position, words in (
                ("namespaces: {user: private, cgroup: host}", "1:49", "the host's cgroup namespace"),
                ("namespaces: {user: private, ipc: host}", "1:46", "the host's IPC namespace"),
                ("root: host, namespaces: {user: private}", "1:19", "the host's root")):
            with self.subTest(keys=keys):
                self.expect(nslab("validate", lab_file(f"nodes: {{a: {{{keys}}}}}")), 2, [position, words])


class Shared(NslabTest):
    def test_a_node_with_a_network_of_its_own_in_the_user_namespace_of_another(self):
        with self.lab("""
            nodes:
              app: {namespaces: {user: private}}
              helper: {namespaces: {user: "node:app"}, interfaces: {eth0: lan}}
              other: {namespaces: {user: private}, interfaces: {eth0: lan}}
            subnets: {lan: 10.0.0.0/24}
            """) as lab:
            user = lab.read("app", "readlink", "/proc/self/ns/user")
            self.assertEqual(lab.read("helper", "readlink", "/proc/self/ns/user"), user)
            self.assertNotEqual(lab.read("other", "readlink", "/proc/self/ns/user"), user)
            self.assertNotEqual(lab.read("app", "readlink", "/proc/self/ns/net"),
                                lab.read("helper", "readlink", "/proc/self/ns/net"))
            # Its root rules over its network.
            lab.read("helper", "ip", "link", "set", "eth0", "mtu", "1400")


if __name__ == "__main__":
    main()
