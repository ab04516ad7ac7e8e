"""The host memory budget: two tenants that together want four times of it."""
import json
import pathlib
import threading
import unittest

from support import DaemonTest, build_guest

BUDGET_MIB = 192


class Budget(DaemonTest):
    settings = ("workers=2", f"memory.budget={BUDGET_MIB}MiB", "pool.slots=64")

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return (int(fields["RssAnon"].split()[0]) + int(fields["RssShmem"].split()[0])) / 1024

    def test_two_greedy_tenants_stay_within_it(self):
        for name in ("x", "y"):
            self.daemon.tidectl("tenant", "create", name, "--limit", "memory=128MiB", "--limit", "wall=8s",
                                "--limit", "cpu=4s")
            self.daemon.tidectl("function", "deploy", "probe", build_guest("probe"), "-t", name)
        before = self.resident_mib()
        outcomes, peak = [], [0.0]
        stop = threading.Event()

        def watch():
            while not stop.wait(0.01):
                peak[0] = max(peak[0], self.resident_mib())

        def want(name):
            for _ in range(3):
                status, _, body = self.request(f"/f/{name}/probe/?memory=96", headers={"X-Tidepool-Deadline-Ms": "6000"})
                outcomes.append((status, body))

        watcher = threading.Thread(target=watch)
        watcher.start()
        callers = [threading.Thread(target=want, args=(name,)) for name in ("x", "y") for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        stop.set()
        watcher.join()
        self.assertIsNone(self.daemon.process.poll(), "the daemon must live")
        self.assertLess(peak[0] - before, BUDGET_MIB * 1.1)
        statuses = {status for status, _ in outcomes}
        self.assertIn(200, statuses)
        for status, body in outcomes:  # Every answer is one that service.md knows.
            if status != 200:
                self.assertIn(json.loads(body)["reason"], ("HOST_CAPACITY", "QUEUE_DEADLINE", "MEMORY_LIMIT"), body)
        # And afterwards everybody is served again.
        self.assertEqual(self.request("/f/x/probe/?memory=32")[2], b"taken 32\n")
        self.assertEqual(self.request("/f/y/probe/?memory=32")[2], b"taken 32\n")


if __name__ == "__main__":
    unittest.main()
