"""A real tidepoold in a folder of its own, as an unprivileged user where the caller is root; for tests and
benchmarks."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = ("tidepoold", "tidectl", "tidepool-compiler")
UNPRIVILEGED = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs",
                "--bounding-set=-all", "--inh-caps=-all"]


def unprivileged(command):
    return (UNPRIVILEGED if os.geteuid() == 0 else []) + [str(c) for c in command]


class DaemonProcess:
    """Started on loopback with free ports.  Stopped, and its folder removed, at the end of a `with`."""

    def __init__(self, programs, *settings, pin=None, state=None):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="tidepool."))
        # A checkout below somebody's home cannot be read by the unprivileged user.
        self.place.chmod(0o755)
        for program in PROGRAMS:
            shutil.copy(pathlib.Path(programs) / program, self.place / program)
        self.state = pathlib.Path(state) if state else self.place / "state"
        self.state.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.state, "nobody", "nogroup")
        self.settings = list(settings)
        self.pin = pin
        self.process = None
        self.start()

    def command(self):
        command = [self.place / "tidepoold", "--config", "/dev/null", "--state-dir", self.state,
                   "--ready-file", self.state / "ready.json"]
        for key in ("listen.http", "listen.grpc", "listen.ops"):
            if not any(s.startswith(key + "=") for s in self.settings):
                command += ["--set", f"{key}=127.0.0.1:0"]
        for setting in self.settings:
            command += ["--set", setting]
        pinned = ["taskset", "-c", str(self.pin)] if self.pin is not None else []
        return pinned + unprivileged(command)

    def start(self, wait=True):
        ready = self.state / "ready.json"
        ready.unlink(missing_ok=True)
        self.log = open(self.place / "log", "a")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        if not wait:
            return
        for _ in range(600):
            if ready.exists():
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"tidepoold did not start:\n{self.log_text()}")
            time.sleep(0.02)
        else:
            raise RuntimeError(f"tidepoold was not ready after 12 s:\n{self.log_text()}")
        self.ready = json.loads(ready.read_text())

    def log_text(self):
        return (self.place / "log").read_text()

    def port(self, door):
        return int(self.ready[door].rsplit(":", 1)[1])

    def run_tidectl(self, *arguments, **options):
        """The finished process of tidectl, whatever its exit status."""
        return subprocess.run([str(self.place / "tidectl"), "--server", self.ready["admin"],
                               *map(str, arguments)], capture_output=True, **options)

    def tidectl(self, *arguments, **options):
        """What tidectl printed; it must succeed."""
        done = self.run_tidectl(*arguments, **options)
        if done.returncode != 0:
            raise RuntimeError(f"tidectl {arguments}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        """kill -9, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self, timeout=45):
        """SIGTERM; the exit status after the drain."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.log.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.log.closed:
            self.stop()
        shutil.rmtree(self.place, ignore_errors=True)
