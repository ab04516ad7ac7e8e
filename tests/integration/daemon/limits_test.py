"""Each limit of a tenant, met."""
import http.client
import json
import threading
import time
import unittest

from support import DaemonTest, build_guest


class Limits(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.probe = build_guest("probe")

    def tenant(self, name, *limits):
        """A tenant with these limits and the probe deployed."""
        arguments = [word for limit in limits for word in ("--limit", limit)]
        self.daemon.tidectl("tenant", "create", name, *arguments)
        self.daemon.tidectl("function", "deploy", "probe", self.probe, "-t", name)
        return f"/f/{name}/probe/"

    def test_an_endless_loop_dies_while_its_neighbour_is_answered(self):
        looping = self.tenant("looper", "cpu=2s", "wall=8s")
        neighbour = self.tenant("neighbour")
        self.request(neighbour)
        answers = []
        spin = threading.Thread(target=lambda: answers.append(self.request(looping + "?spin")))
        spin.start()
        time.sleep(0.3)
        begin = time.monotonic()
        self.assertEqual(self.request(neighbour)[0], 200)
        self.assertLess(time.monotonic() - begin, 1)
        spin.join()
        status, _, body = answers[0]
        document = json.loads(body)
        self.assertEqual((status, document["reason"]), (500, "CPU_LIMIT"))
        self.assertEqual((document["limit"]["name"], document["limit"]["allowed"]), ("cpu", "2s"))
        self.assertIn("looper", document["limit"]["set_by"])

    def test_wall(self):
        path = self.tenant("waller", "wall=200ms")
        begin = time.monotonic()
        self.problem(path + "?sleep_ms=5000", 504, "WALL_LIMIT")
        self.assertLess(time.monotonic() - begin, 2)

    def test_sleeping_costs_no_cpu_and_blocks_nobody(self):
        path = self.tenant("sleeper", "cpu=100ms")
        done = []
        threads = [threading.Thread(target=lambda: done.append(self.request(path + "?sleep_ms=400")[0]))
                   for _ in range(8)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(done, [200] * 8)
        self.assertLess(time.monotonic() - begin, 2)  # One after the other would take 3.2 s.

    def test_memory(self):
        path = self.tenant("hungry", "memory=16MiB")
        status, _, body = self.request(path + "?memory=64")
        self.assertEqual(status, 200)
        self.assertLess(int(body.split()[1]), 16)  # memory.grow said -1.
        document = self.problem(path + "?memory=64strict", 500, "MEMORY_LIMIT")
        self.assertEqual((document["limit"]["name"], document["limit"]["allowed"]), ("memory", "16MiB"))

    def test_stack(self):
        # (module (func (export "f") call 0)): no linear memory that could end first.
        module = self.probe.with_name("recurse.wasm")
        module.write_bytes(bytes.fromhex("0061736d01000000010401600000030201000705010166000 00a0601040010000b".replace(" ", "")))
        self.daemon.tidectl("tenant", "create", "deep", "--limit", "stack=128KiB")
        self.daemon.tidectl("function", "deploy", "f", module, "-t", "deep", "--abi", "export")
        for _ in range(2):
            done = self.daemon.run_tidectl("invoke", "f", "-t", "deep", "--export", "f")
            self.assertEqual(done.returncode, 9, done.stderr)
            self.assertIn(b"Stack limit reached", done.stderr)
            self.assertIn(b"128KiB", done.stderr)

    def test_concurrency_without_a_queue(self):
        path = self.tenant("single", "concurrency=1", "queue=0")
        first = threading.Thread(target=lambda: self.request(path + "?sleep_ms=600"))
        first.start()
        time.sleep(0.2)
        status, headers, body = self.request(path)
        self.assertEqual((status, json.loads(body)["reason"]), (429, "TENANT_CONCURRENCY"))
        self.assertIn("Retry-After", headers)
        first.join()
        self.assertEqual(self.request(path)[0], 200)

    def test_queue(self):
        path = self.tenant("queued", "concurrency=1", "queue=1")
        statuses = []
        threads = []
        for _ in range(3):
            thread = threading.Thread(target=lambda: statuses.append(self.request(path + "?sleep_ms=500")[0]))
            thread.start()
            threads.append(thread)
            time.sleep(0.1)
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200, 200, 429])

    def test_a_deadline_passes_in_the_queue(self):
        path = self.tenant("late", "concurrency=1")
        first = threading.Thread(target=lambda: self.request(path + "?sleep_ms=800"))
        first.start()
        time.sleep(0.2)
        self.problem(path, 504, "QUEUE_DEADLINE", headers={"X-Tidepool-Deadline-Ms": "100"})
        first.join()

    def test_rate(self):
        path = self.tenant("rated", "rate=2")
        statuses = [self.request(path)[0] for _ in range(8)]
        self.assertIn(429, statuses)
        self.assertIn(200, statuses)
        self.problem(path, 429, "TENANT_RATE")
        time.sleep(1.1)
        self.assertEqual(self.request(path)[0], 200)

    def test_request_body(self):
        path = self.tenant("short", "request_body=1KiB")
        self.assertEqual(self.request(path, b"x" * 1024)[0], 200)
        document = self.problem(path, 413, "REQUEST_TOO_LARGE", body=b"x" * 1025)
        self.assertEqual(document["limit"]["name"], "request_body")
        # Chunked, so that the length is not known before.
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port("http"), timeout=10)
        connection.request("POST", path, iter([b"x" * 700, b"x" * 700]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_response_body(self):
        path = self.tenant("brief", "response_body=8KiB")
        self.assertEqual(len(self.request(path + "?answer=8192")[2]), 8192)
        self.problem(path + "?answer=8193", 502, "RESPONSE_TOO_LARGE")

    def test_log(self):
        path = self.tenant("talker", "log=4KiB")
        self.request(path + "?log=100000")
        deadline = time.monotonic() + 10
        log = ""
        while time.monotonic() < deadline and "truncated" not in log:
            log = self.daemon.tidectl("logs", "probe", "-t", "talker")
            time.sleep(0.05)
        self.assertIn("truncated", log)
        self.assertLess(len(log), 8192)

    def test_module_size_and_functions(self):
        self.daemon.tidectl("tenant", "create", "small", "--limit", "module_size=10KiB")
        refused = self.daemon.run_tidectl("function", "deploy", "f", self.probe, "-t", "small")
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn(b"module_size", refused.stderr)
        self.daemon.tidectl("tenant", "create", "one", "--limit", "functions=1")
        self.daemon.tidectl("function", "deploy", "f", self.probe, "-t", "one")
        refused = self.daemon.run_tidectl("function", "deploy", "g", self.probe, "-t", "one")
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn(b"functions", refused.stderr)

    def test_a_limit_takes_effect_when_it_is_set(self):
        path = self.tenant("changed")
        self.assertEqual(self.request(path + "?memory=32")[2], b"taken 32\n")
        self.daemon.tidectl("tenant", "set", "changed", "--limit", "memory=16MiB")
        self.assertLess(int(self.request(path + "?memory=32")[2].split()[1]), 16)


if __name__ == "__main__":
    unittest.main()
