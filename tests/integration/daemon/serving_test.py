"""The main job as its users do it: deploy, call over HTTP and gRPC, read logs, route, list."""
import json
import subprocess
import time
import unittest

from support import DaemonTest, build_guest


class Serving(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.tidectl("tenant", "create", "a")
        cls.daemon.tidectl("tenant", "create", "b")
        cls.daemon.tidectl("function", "deploy", "probe", build_guest("probe"), "-t", "a")
        cls.daemon.tidectl("function", "deploy", "echo-command", build_guest("json_echo"), "-t", "a")
        cls.daemon.tidectl("function", "deploy", "echo-handler", build_guest(
            "json_echo", "-DHANDLER", "-mexec-model=reactor", output="json_echo_handler"), "-t", "a",
            "--abi", "handler")

    def test_each_call_has_an_instance_of_its_own(self):
        for body in (b"one", b"two", b"three"):
            status, headers, answer = self.request("/f/a/probe/", body)
            self.assertEqual((status, answer), (200, b"call 1 of this instance\n" + body))
            self.assertEqual(headers["X-Tidepool-Revision"], "1")
            self.assertRegex(headers["X-Tidepool-Invocation"], r"^[0-9A-HJKMNP-TV-Z]{26}$")
            self.assertIn("exec", headers["Server-Timing"])

    def test_json_echo_as_command_and_as_handler_over_both_doors(self):
        document = '{"text": "grüße \\"quoted\\""}'
        for function in ("echo-command", "echo-handler"):
            status, headers, answer = self.request(f"/f/a/{function}/x?y=1", document.encode())
            self.assertEqual(status, 200, answer)
            self.assertEqual(headers["Content-Type"], "application/json")
            got = json.loads(answer)
            self.assertEqual((got["method"], got["body"], got["bytes"]), ("POST", document, len(document.encode())))
            over_grpc = json.loads(self.daemon.tidectl("invoke", function, "-t", "a", "--data", document))
            self.assertEqual((over_grpc["method"], over_grpc["body"]), ("POST", document))

    def test_a_command_sees_its_request_as_cgi_variables(self):
        status, headers, answer = self.request("/f/a/probe/x/y?environment", headers={
            "X-Thing": "1", "Proxy": "http://evil", "X_Under": "2"})
        lines = answer.decode().splitlines()
        self.assertEqual(status, 200)
        for line in ("REQUEST_METHOD=GET", "QUERY_STRING=environment", "HTTP_X_THING=1", "PATH_INFO=/x/y",
                     "GATEWAY_INTERFACE=CGI/1.1"):
            self.assertIn(line, lines)
        self.assertFalse([l for l in lines if l.startswith("HTTP_PROXY") or "UNDER" in l])
        self.assertFalse([l for l in lines if "TIDEPOOL_" in l and "=" in l and l.startswith("TIDEPOOL_SERVER")])

    def test_cgi_answers_set_status_and_fields(self):
        status, headers, answer = self.request("/f/a/probe/?cgi")
        self.assertEqual((status, headers["X-Probe"], answer), (201, "yes", b"made\n"))
        self.assertIn("sandbox", headers["Content-Security-Policy"])

    def test_what_a_guest_does_wrong_is_told_apart(self):
        self.assertEqual(self.problem("/f/a/probe/?trap", 500, "GUEST_TRAP")["fault"], "guest")
        self.problem("/f/a/probe/?exit=3", 502, "GUEST_EXIT")
        self.assertEqual(self.request("/f/a/probe/?exit=0")[2], b"before the exit\n")
        self.problem("/f/a/nothing/", 404, "FUNCTION")
        self.problem("/f/a/probe:9/", 404, "REVISION")
        self.problem("/elsewhere", 404, "ROUTE")

    def test_trap_text_and_backtrace_go_to_the_log_not_to_the_caller(self):
        document = self.problem("/f/a/probe/?trap", 500, "GUEST_TRAP")
        self.assertNotIn("unreachable", json.dumps(document))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            log = self.daemon.tidectl("logs", "probe", "-t", "a")
            if document["invocation_id"] in log and "unreachable" in log:
                break
            time.sleep(0.05)
        self.assertIn("unreachable", log)
        self.assertIn(document["invocation_id"], log)

    def test_standard_error_and_output_of_a_failed_command_go_to_the_log(self):
        self.request("/f/a/probe/?log=10")
        self.problem("/f/a/probe/?exit=4", 502, "GUEST_EXIT")
        deadline = time.monotonic() + 10
        log = ""
        while time.monotonic() < deadline and not ("xxxxxxxxxx" in log and "before the exit" in log):
            log = self.daemon.tidectl("logs", "probe", "-t", "a")
            time.sleep(0.05)
        self.assertIn("xxxxxxxxxx", log)
        self.assertIn("before the exit", log)

    def test_revisions_are_immutable_and_the_last_one_serves(self):
        first = self.daemon.tidectl("function", "deploy", "rev", build_guest("probe"), "-t", "b").strip()
        second = self.daemon.tidectl("function", "deploy", "rev", build_guest("json_echo"), "-t", "b").strip()
        self.assertEqual((first, second), ("b/rev:1", "b/rev:2"))
        self.assertIn(b'"bytes"', self.request("/f/b/rev/", b"x")[2])
        self.assertIn(b"this instance", self.request("/f/b/rev:1/", b"x")[2])

    def test_a_host_belongs_to_the_tenant_it_was_granted_to(self):
        self.daemon.tidectl("function", "deploy", "mine", build_guest("probe"), "-t", "b")
        self.daemon.tidectl("route", "add", "Site.Example/api", "probe", "-t", "a")
        status, _, answer = self.request("/api/x", b"routed", headers={"Host": "site.example:8080"})
        self.assertEqual((status, answer), (200, b"call 1 of this instance\nrouted"))
        self.problem("/apix", 404, "ROUTE", headers={"Host": "site.example"})
        stolen = self.daemon.run_tidectl("route", "add", "site.example/", "mine", "-t", "b")
        self.assertEqual(stolen.returncode, 5, stolen.stderr)
        self.assertIn(b"site.example", stolen.stderr)

    def test_every_list_is_json_when_asked(self):
        for command in (("tenant", "list"), ("function", "list", "-t", "a"), ("route", "list", "-t", "a"),
                        ("function", "revisions", "probe", "-t", "a"), ("pool", "status"),
                        ("tenant", "get", "a"), ("function", "get", "probe", "-t", "a")):
            json.loads(self.daemon.tidectl(*command, "-o", "json"))

    def test_exit_codes(self):
        run = self.daemon.run_tidectl
        self.assertEqual(run("tenant", "get", "nobody").returncode, 3)
        self.assertEqual(run("tenant", "create", "a").returncode, 4)
        self.assertEqual(run("frobnicate").returncode, 2)
        self.assertEqual(run("tenant", "create", "c", "--limit", "memroy=1MiB").returncode, 10)
        elsewhere = subprocess.run([str(self.daemon.place / "tidectl"), "--server", "unix:/nowhere", "tenant", "list"],
                                   capture_output=True)
        self.assertEqual(elsewhere.returncode, 7, elsewhere.stderr)
        self.assertIn(b"/nowhere", elsewhere.stderr)

    def test_ops_doors(self):
        self.assertEqual(self.ops("/healthz")[0], 200)
        self.assertEqual(self.ops("/readyz")[0], 200)
        self.request("/f/a/probe/")
        self.assertGreaterEqual(self.metric(
            'tidepool_invocations_total{tenant="a",function="probe",outcome="OK"}'), 1)

    def test_a_broken_module_is_refused_with_the_place(self):
        broken = build_guest("probe").with_name("broken.wasm")
        broken.write_bytes(build_guest("probe").read_bytes()[:5000])
        done = self.daemon.run_tidectl("function", "deploy", "broken", broken, "-t", "a")
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertRegex(done.stderr.decode(), r"0x[0-9a-f]+|offset|byte")
        self.problem("/f/a/broken/", 404, "FUNCTION")


if __name__ == "__main__":
    unittest.main()
