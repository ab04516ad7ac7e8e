"""What was acknowledged survives kill -9 at any moment; what was not leaves nothing behind."""
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from support import BIN, DaemonProcess, DaemonTest, build_guest


class Durability(DaemonTest):
    def test_kill_at_random_moments_while_deploying(self):
        self.daemon.tidectl("tenant", "create", "a")
        modules = [build_guest("probe"), build_guest("json_echo")]
        randomness = random.Random(7)
        acknowledged = 0
        for round_number in range(6):
            stop = threading.Event()
            confirmed = []

            def deploy_on():
                while not stop.is_set():
                    done = self.daemon.run_tidectl("function", "deploy", "f", randomness.choice(modules), "-t", "a")
                    if done.returncode != 0:
                        return
                    confirmed.append(int(done.stdout.decode().strip().rsplit(":", 1)[1]))

            deployer = threading.Thread(target=deploy_on)
            deployer.start()
            time.sleep(0.15 + randomness.random() * 0.4)
            stop.set() if round_number == 5 else None
            self.daemon.kill()
            stop.set()
            deployer.join()
            acknowledged = max([acknowledged, *confirmed])
            self.daemon.start()
            if acknowledged == 0:
                continue
            revisions = json.loads(self.daemon.tidectl("function", "revisions", "f", "-t", "a", "-o", "json"))
            self.assertGreaterEqual(len(json.dumps(revisions)), 2)
            for revision in range(1, acknowledged + 1):
                status, headers, body = self.request(f"/f/a/f:{revision}/", b"x")
                self.assertEqual((status, headers["X-Tidepool-Revision"]), (200, str(revision)), body)
            leftovers = [p for p in (self.daemon.state / "tmp").glob("**/*") if p.is_file()]
            self.assertEqual(leftovers, [])
        self.assertGreater(acknowledged, 0)

    def test_artifacts_are_a_cache(self):
        self.daemon.tidectl("tenant", "create", "cached")
        self.daemon.tidectl("function", "deploy", "f", build_guest("probe"), "-t", "cached")
        self.daemon.stop()
        shutil.rmtree(self.daemon.state / "artifacts")
        self.daemon.start()
        self.assertEqual(self.request("/f/cached/f/", b"x")[0], 200)
        self.daemon.stop()
        for artifact in (self.daemon.state / "artifacts").glob("**/*.tpa"):
            os.truncate(artifact, artifact.stat().st_size // 2)
        self.daemon.start()
        self.assertEqual(self.request("/f/cached/f/", b"x")[0], 200)

    def test_a_second_daemon_on_the_same_state_is_refused(self):
        command = self.daemon.command()
        done = subprocess.run(command, capture_output=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(self.daemon.state).encode(), done.stderr)
        self.assertEqual(self.ops("/healthz")[0], 200)


@unittest.skipIf(os.geteuid() != 0, "mounting a small file system needs root")
class FullDisk(unittest.TestCase):
    def test_enospc_is_an_error_and_not_damage(self):
        place = tempfile.mkdtemp(prefix="tidepool-full.")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", place], check=True)
        try:
            with DaemonProcess(BIN, "workers=1", state=os.path.join(place, "state")) as daemon:
                daemon.tidectl("tenant", "create", "a")
                daemon.tidectl("function", "deploy", "f", build_guest("probe"), "-t", "a")
                filler = os.path.join(place, "filler")
                with open(filler, "wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(b"x" * 4096)
                    except OSError:
                        pass
                failed = daemon.run_tidectl("function", "deploy", "g", build_guest("json_echo"), "-t", "a")
                self.assertNotEqual(failed.returncode, 0)
                self.assertTrue(failed.stderr)
                os.unlink(filler)
                daemon.tidectl("function", "deploy", "g", build_guest("json_echo"), "-t", "a")
                daemon.stop()
                daemon.start()
                names = daemon.tidectl("function", "list", "-t", "a", "-o", "json")
                self.assertIn("g", names)
                self.assertIn("f", names)
        finally:
            subprocess.run(["umount", "-l", place], check=False)
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
