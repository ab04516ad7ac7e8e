"""What the daemon's integration tests share."""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from daemon_process import DaemonProcess  # noqa: E402

BIN = pathlib.Path(os.environ["TIDEPOOL_BIN"])
SHARED = pathlib.Path(os.environ.get("TIDEPOOL_SHARED", HERE.parents[3] / "shared"))


def build_guest(name, *flags, output=None):
    """A C file of ../guests as a wasm module's path."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"tidepool-guests.{os.getuid()}.{os.getpid()}"
    folder.mkdir(exist_ok=True)
    module = folder / f"{output or name}.wasm"
    if not module.exists():
        subprocess.run(["clang-14", "--target=wasm32-wasi", "-O2", "-Wno-infinite-recursion", *flags, "-o",
                        str(module), str(HERE.parent / "guests" / f"{name}.c")], check=True)
    return module


class DaemonTest(unittest.TestCase):
    """One daemon for the tests of a class."""

    settings = ("workers=1", "pool.verify_rate=1")

    @classmethod
    def setUpClass(cls):
        cls.daemon = DaemonProcess(BIN, *cls.settings)
        cls.addClassCleanup(cls.daemon.__exit__)

    def request(self, path, body=None, method=None, headers=None, timeout=30):
        """(status, headers, body) of one HTTP request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port("http"), timeout=timeout)
        try:
            connection.request(method or ("POST" if body is not None else "GET"), path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def problem(self, path, status, reason, **options):
        """The problem document of a request that must fail in this way."""
        got, headers, body = self.request(path, **options)
        self.assertEqual((got, headers["Content-Type"]), (status, "application/problem+json"), body)
        document = json.loads(body)
        self.assertEqual(document["reason"], reason, body)
        self.assertEqual(document["status"], status)
        return document

    def ops(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port("ops"), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, line_start):
        """The value of the one sample that starts so."""
        values = [line.rsplit(" ", 1)[1] for line in self.ops("/metrics")[1].splitlines()
                  if line.startswith(line_start)]
        self.assertEqual(len(values), 1, line_start)
        return float(values[0])

    def assert_pool_is_whole(self):
        status = json.loads(self.daemon.tidectl("pool", "status", "-o", "json"))
        text = json.dumps(status)
        self.assertNotIn('"drift": "1', text)
        return status
