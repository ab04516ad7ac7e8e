"""Modules that someone else compiled, as functions: CPython over HTTP and gRPC."""
import json
import unittest

from support import SHARED, DaemonTest

MODULES = SHARED / "conformance/modules"


@unittest.skipUnless(MODULES.is_dir(), f"{MODULES} is absent")
class Python(DaemonTest):
    settings = ("workers=1", "pool.slots=8", "pool.verify_rate=1", "limits.memory=256MiB", "limits.cpu=30s",
                "limits.wall=60s", "limits.stack=16MiB", "limits.module_size=64MiB")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        manifest = json.loads((MODULES / "manifest.json").read_text())
        cls.runs = {m["name"]: m for m in manifest["modules"]}
        cls.daemon.tidectl("tenant", "create", "py")
        for name in ("python-text", "python-compute"):
            run = cls.runs[name]
            arguments = [word for a in run["args"] for word in ("--arg", a)]
            variables = [word for k, v in (run["env"] or {}).items() for word in ("--env", f"{k}={v}")]
            cls.daemon.tidectl("function", "deploy", name, MODULES / run["file"], "-t", "py", *arguments, *variables,
                               "--response", "raw")

    def expectation(self, name):
        run = self.runs[name]
        return ((MODULES / run["stdin"]).read_bytes(), (MODULES / run["stdout"]).read_bytes(), run["exit_code"])

    def test_python_text_over_both_doors_again_and_again(self):
        script, output, _ = self.expectation("python-text")
        for _ in range(3):
            status, headers, answer = self.request("/f/py/python-text/", script, timeout=90)
            self.assertEqual((status, answer), (200, output))
            self.assertEqual(headers["Content-Type"], "application/octet-stream")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        over_grpc = self.daemon.run_tidectl("invoke", "python-text", "-t", "py", "--data", "@-", input=script)
        self.assertEqual((over_grpc.returncode, over_grpc.stdout), (0, output), over_grpc.stderr)

    def test_python_compute_exits_with_seven(self):
        script, output, exit_code = self.expectation("python-compute")
        self.assertEqual(exit_code, 7)
        self.problem("/f/py/python-compute/", 502, "GUEST_EXIT", body=script, timeout=90)
        log = self.daemon.tidectl("logs", "python-compute", "-t", "py")
        for line in output.decode().splitlines()[:3]:
            self.assertIn(line, log)
        over_grpc = self.daemon.run_tidectl("invoke", "python-compute", "-t", "py", "--data", "@-", input=script)
        self.assertEqual(over_grpc.returncode, 9, over_grpc.stderr)


if __name__ == "__main__":
    unittest.main()
