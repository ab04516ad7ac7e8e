"""SIGTERM, in service.md's order."""
import http.client
import json
import threading
import time
import unittest

from support import DaemonTest, build_guest


class Drain(DaemonTest):
    settings = ("workers=1", "drain.notice=700ms", "drain.deadline=2s")

    def test_the_order(self):
        self.daemon.tidectl("tenant", "create", "a", "--limit", "wall=20s")
        self.daemon.tidectl("function", "deploy", "probe", build_guest("probe"), "-t", "a")
        kept = http.client.HTTPConnection("127.0.0.1", self.daemon.port("http"), timeout=20)
        kept.request("GET", "/f/a/probe/")
        self.assertEqual(kept.getresponse().read()[:4], b"call")

        answers = {}
        def ask(name, path):
            answers[name] = self.request(path)
        finishing = threading.Thread(target=ask, args=("finishing", "/f/a/probe/?sleep_ms=1500"))
        endless = threading.Thread(target=ask, args=("endless", "/f/a/probe/?sleep_ms=15000"))
        finishing.start()
        endless.start()
        time.sleep(0.2)

        begin = time.monotonic()
        self.daemon.process.terminate()
        time.sleep(0.2)
        self.assertEqual(self.ops("/healthz")[0], 200)
        self.assertEqual(self.ops("/readyz")[0], 503)
        self.assertEqual(self.request("/f/a/probe/")[0], 200, "it serves on during the notice")

        finishing.join()
        endless.join()
        self.assertEqual(answers["finishing"][0], 200, "what runs is finished")
        status, _, body = answers["endless"]
        self.assertEqual((status, json.loads(body)["reason"]), (503, "DRAINING"))
        self.assertEqual(self.daemon.process.wait(timeout=10), 0)
        self.assertLess(time.monotonic() - begin, 6)


if __name__ == "__main__":
    unittest.main()
