"""Where the daemon listens, and to whom."""
import os
import pathlib
import subprocess
import unittest

from support import DaemonTest, build_guest


class Doors(DaemonTest):
    def try_setting(self, *settings):
        command = self.daemon.command()
        state = self.daemon.place / "other"
        state.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(state, *((lambda s: (s.st_uid, s.st_gid))(self.daemon.state.stat())))
        command = [str(state) if c == str(self.daemon.state) else c for c in command]
        for setting in settings:
            command += ["--set", setting]
        return subprocess.run(command, capture_output=True, timeout=20)

    def test_doors_refuse_to_open_beyond_loopback(self):
        for key in ("listen.http", "listen.grpc", "listen.ops"):
            done = self.try_setting(f"{key}=0.0.0.0:0")
            self.assertNotEqual(done.returncode, 0, key)
            self.assertIn(b"loopback", done.stderr, key)

    def test_a_setting_that_is_not_known_or_not_built_is_a_usage_error(self):
        for setting in ("pool.slost=3", "pool.reset=learned", "limits.mlock=1MiB"):
            done = self.try_setting(setting)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(setting.split("=")[0].encode(), done.stderr)

    def test_a_pool_that_cannot_be_is_refused_with_the_number(self):
        done = self.try_setting("pool.slots=1000000")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), r"\d{4,}")

    @unittest.skipIf(os.geteuid() != 0, "becoming another user needs root")
    def test_the_admin_socket_serves_root_and_the_daemons_own_user_only(self):
        admin = self.daemon.ready["admin"].removeprefix("unix:")
        os.chmod(self.daemon.state, 0o755)
        os.chmod(admin, 0o777)
        try:
            done = subprocess.run(["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups",
                                   str(self.daemon.place / "tidectl"), "--server", f"unix:{admin}", "tenant", "list"],
                                  capture_output=True, timeout=30)
        finally:
            os.chmod(self.daemon.state, 0o700)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.daemon.run_tidectl("tenant", "list").returncode, 0)

    def test_the_daemon_runs_unprivileged(self):
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.assertEqual(int(fields["CapEff"], 16), 0)
        self.assertNotEqual(fields["Uid"].split()[0], "0")
        self.assertEqual(self.daemon.state.stat().st_mode & 0o777, 0o700)

    def test_check_and_print_config(self):
        tidepoold = str(self.daemon.place / "tidepoold")
        done = subprocess.run([tidepoold, "--config", "/dev/null", "--print-config"], capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'limits.memory = "128MiB"', done.stdout)
        done = subprocess.run([tidepoold, "--config", "/dev/null", "--state-dir", str(self.daemon.place / "none"),
                               "--check"], capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), "max_map_count")
        self.assertIn(b"memory budget", done.stdout)

    def test_typed_calls_go_over_grpc_only(self):
        # (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
        module = build_guest("probe").with_name("add.wasm")
        module.write_bytes(bytes.fromhex("0061736d010000000107016002 7f7f017f 03020100 0707010361646400 00"
                                         " 0a09010700200020016a0b".replace(" ", "")))
        self.daemon.tidectl("tenant", "create", "typed")
        self.daemon.tidectl("function", "deploy", "add", module, "-t", "typed", "--abi", "export")
        self.assertEqual(self.daemon.tidectl("invoke", "add", "-t", "typed", "--export", "add", "40", "2").strip(), "42")
        self.problem("/f/typed/add/", 404, "WRONG_ABI")
        done = self.daemon.run_tidectl("invoke", "add", "-t", "typed", "--export", "add", "x", "2")
        self.assertIn(done.returncode, (2, 10), done.stderr)


if __name__ == "__main__":
    unittest.main()
