"""A service that puts itself into the background: the container ends at once, or the program is started again and again
next to itself.

Source: nginx-proxy/nginx-proxy #1390, dockerfile/nginx #1, TheHipbot/docker-web2py #1.
"""

from nslab_test import NslabTest, lab_file, main, nslab, succeed

TEXT = "name: daemon\nnodes: {{a: {{services: {{s: {{command: {command}, {more}}}}}}}}}\n"


class Background(NslabTest):
    def test_nginx_as_on_the_machine(self):
        for more in ("ready: {http: 80}", "restart: always, ready: {tcp: 80}"):
            text = TEXT.format(command="nginx", more=more)
            with self.subTest(more), self.lab(lab_file(text, "daemon")) as running:
                self.assertEqual(running.service_status("a", "s")["restarts"], 0)
                running.read("a", "curl", "-sf", "http://127.0.0.1/")
                running.up("name: daemon\nnodes: {a: {}}\n")
                self.assertEqual(running.processes("a"), [running.init("a")])

    def test_always_the_same(self):
        """The first process ends before the other has a session of its own, or after."""
        for _ in range(12):
            succeed(nslab("up", lab_file(TEXT.format(command="[iperf3, -s, -D]", more="stop: {}"), "daemon")))
            succeed(nslab("exec", "daemon/a", "--", "pgrep", "-x", "iperf3"))
            succeed(nslab("down", "daemon"))


if __name__ == "__main__":
    main()
