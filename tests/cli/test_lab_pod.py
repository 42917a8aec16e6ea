"""labs/pod.yaml: two nodes in one network namespace, and nothing else in common."""

import unittest

from nslab_test import LABS, LabTest, killed_by, main, succeed

CURL_REFUSED = 7


class Pod(LabTest):
    file = LABS / "pod.yaml"

    def namespace(self, node, kind):
        return self.running.read(node, "readlink", f"/proc/self/ns/{kind}")

    def test_the_sidecar_answers_for_the_app(self):
        self.assertEqual(succeed(self.fetch("client", "http://app:8080/")).out, "sidecar: the app\n")

    def test_the_app_itself_is_not_reached(self):
        self.assertEqual(self.fetch("client", "http://app:9000/").code, CURL_REFUSED)
        self.assertEqual(succeed(self.fetch("sidecar", "http://127.0.0.1:9000/")).out, "the app\n")

    def test_what_they_share_and_what_not(self):
        for kind in ("net", "ipc"):
            self.assertEqual(self.namespace("app", kind), self.namespace("sidecar", kind), kind)
        for kind in ("pid", "mnt", "uts", "cgroup"):
            self.assertNotEqual(self.namespace("app", kind), self.namespace("sidecar", kind), kind)

    def test_files_and_hostname_are_their_own(self):
        self.assertEqual(self.running.read("sidecar", "hostname"), "sidecar")
        self.assertEqual(self.running.exec("sidecar", "ls", "/srv/app").code, 2)
        self.assertEqual(self.running.read("app", "ls", "/srv/app"), "index.html")

    def test_both_ports_are_seen_from_both(self):
        for node in ("app", "sidecar"):
            listening = self.running.read(node, "ss", "-Htln")
            self.assertIn("127.0.0.1:9000", listening)
            self.assertIn(":8080", listening)


if __name__ == "__main__":
    main()
