"""`up` says "is up" of services that are, and why of those that are not."""

import unittest

from nslab_test import NslabTest, eventually, lab_file, main, nslab, residue, succeed


def lab(services, more=""):
    return f"name: isup\nnodes:\n  a:\n{more}    services:\n{services}"


class IsUp(NslabTest):
    def fails(self, services, *words, more=""):
        before = residue.snapshot()
        result = self.expect(nslab("up", lab_file(lab(services, more), "isup")), 1, err=["isup.yaml:", *words])
        self.assert_no_residue(before)
        return result.err

    def test_dead_services(self):
        self.fails('      s: {command: "sleep 0.1; echo bind $((6 * 7)); exit 4"}\n',
                   "service 's' of node 'a' exited with status 4", "  > bind 42\n")
        self.fails('      s: {command: "kill -9 $$"}\n', "was killed by signal 9")
        self.fails('      s: {command: "true"}\n', "exited with status 0", "once: true")
        self.fails('      s: {command: "true", restart: on-failure}\n', "exited with status 0")
        self.fails('      s: {command: "exit 5", restart: always}\n', "exited with status 5, again and again")

    def test_restart_brings_back(self):
        text = lab('      s: {command: "test -e /on || { touch /on; exit 1; }; exec sleep infinity", restart: on-failure}\n')
        with self.lab(lab_file(text, "isup")) as running:
            self.assertEqual(running.service_status("a", "s")["restarts"], 1)

    def test_one_that_ended_is_drift(self):
        text = lab('      s: {command: "until test -e /end; do sleep 0.02; done"}\n')
        with self.lab(lab_file(text, "isup")) as running:
            running.read("a", "touch", "/end")
            eventually(lambda: running.service_status("a", "s")["state"] == "exited", "it has ended")
            self.assertEqual(self.plan(lab_file(text, "isup")), [("replace", "service:a/s")])
            running.read("a", "rm", "/end")
            running.up(text)
            self.assertEqual(running.service_status("a", "s")["state"], "ready")

    def test_readiness_is_the_services_own(self):
        probe = "ready: {tcp: 8000, timeout: 600ms}"
        self.fails(f"      one: {{command: [python3, -m, http.server, '8000'], ready: {{tcp: 8000}}}}\n"
                   f"      two: {{command: [sleep, infinity], {probe}, after: [one]}}\n",
                   "service 'two' of node 'a' was not ready", "of service 'one'")
        self.fails(f"      s: {{command: [sleep, infinity], {probe}}}\n", "nothing listens on port 8000")

    def test_no_connection_to_itself(self):
        """Within the ports of clients a connection can be its own other end."""
        more = '    sysctls: {net.ipv4.ip_local_port_range: "40000 40001"}\n'
        self.fails("      s: {command: [sleep, infinity], ready: {tcp: 40000, timeout: 1s, interval: 1ms}}\n",
                   "nothing listens on port 40000", more=more)

    def test_wherever_it_listens(self):
        serve = "import socket, sys, time; s = socket.create_server((sys.argv[1], 8000), family=socket.AF_INET6 if ':' in " \
                "sys.argv[1] else socket.AF_INET); time.sleep(0.1); s.listen(); time.sleep(1000)"
        for address in ("127.0.0.1", "127.0.0.9", "::1", "::", "0.0.0.0"):
            with self.subTest(address):
                text = lab(f'      s: {{command: [python3, -c, "{serve}", "{address}"], ready: {{tcp: 8000}}}}\n')
                with self.lab(lab_file(text, "isup")):
                    pass

    def test_why_not(self):
        serve = "import http.server as h; C = type('C', (h.BaseHTTPRequestHandler,), {'do_GET': lambda s: s.send_error(503)}); " \
                "h.HTTPServer(('', 8000), C).serve_forever()"
        self.fails(f'      s: {{command: [python3, -c, "{serve}"], ready: {{http: 8000, timeout: 2s}}}}\n', "HTTP answered 503")
        self.fails('      s: {command: [sleep, infinity], ready: {file: /run/db.sock, timeout: 300ms}}\n',
                   "there is no /run/db.sock")
        self.fails('      s: {command: [sleep, infinity], ready: {exec: "echo no $((1 + 1)); exit 6", timeout: 300ms}}\n',
                   "its command exited with 6: no 2")
        self.fails('      s: {command: [sleep, infinity], ready: {exec: [no-such], timeout: 300ms}}\n', "no-such: No such file")

    def test_jobs(self):
        text = lab('      load: {command: "sleep 0.3; echo done >/loaded; (exec setsid sleep 1000) &", once: true}\n'
                   '      s: {command: "test -e /loaded && exec sleep infinity", after: [load]}\n')
        with self.lab(lab_file(text, "isup")) as running:
            self.assertEqual(running.service_status("a", "load")["state"], "done")
            self.assertEqual(running.read("a", "pgrep", "-fx", "sleep 1000").count("\n"), 0)  # goes on
            running.read("a", "rm", "/loaded")
            self.assert_nothing_to_do(lab_file(text, "isup"))
            succeed(nslab("up", lab_file(text, "isup")))
            self.assertNotEqual(running.exec("a", "test", "-e", "/loaded").code, 0)  # it did not run again
        self.fails('      load: {command: "echo bad $((6 * 7)); exit 3", once: true}\n', "exited with status 3", "  > bad 42")

    def test_a_job_is_no_service(self):
        for key in ("restart: always", "ready: {tcp: 80}"):
            result = nslab("validate", lab_file(lab(f"      s: {{command: [x], once: true, {key}}}\n"), "isup"))
            self.expect(result, 2, err=["isup.yaml:5:", "'once' excludes"])


if __name__ == "__main__":
    main()
