"""What every benchmark script shares: building, the floors of ../shared/limits, a running daemon, rows.

A row is {name, unit, value, p10, p90, floor, ratio, goal, holds}; ratio is value / floor for costs and
times, floor / value for rates: 1.0 is the floor and larger is worse.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bin"
SHARED = pathlib.Path(os.environ.get("TIDEPOOL_SHARED", ROOT.parent / "shared"))
# Programs built from ../shared stay outside the tree.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "tidepool-benchmarks"
TICK = os.sysconf("SC_CLK_TCK")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(name, unit, values, floor=None, goal=None, rate=False):
    """A row from samples.  `goal` is a bound on the ratio, or on the value where there is no floor."""
    value = statistics.median(values)
    ratio = None
    if floor:
        ratio = floor / value if rate else value / floor
    measured = ratio if ratio is not None else value
    holds = None
    if goal is not None:
        holds = value >= goal if rate and ratio is None else measured <= goal
    return {"name": name, "unit": unit, "value": value, "p10": percentile(values, 0.1),
            "p90": percentile(values, 0.9), "floor": floor, "ratio": ratio, "goal": goal, "holds": holds}


def run(command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **options)


def build_limit(name, source, *flags):
    """A program of ../shared/limits, built once into the cache."""
    folder = SHARED / "limits"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is absent: no floor to compare with")
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / name
    if not program.exists():
        run(["g++", "-std=c++20", "-O2", "-pthread", "-o", program, folder / source, *flags])
    return program


def build_guest(source, *flags):
    """A C file of benchmarks/support (or another path) as a wasm module in the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = ROOT / "benchmarks/support" / source
    module = CACHE / (path.stem + ".wasm")
    run(["clang-14", "--target=wasm32-wasi", "-O2", *flags, "-o", module, path])
    return module


def cpu_seconds(pid):
    """utime + stime of a process, all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Daemon:
    """tidepoold in a folder of its own, as an unprivileged user where this is root."""

    def __init__(self, *settings, pin=None):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="tidepool-bench."))
        self.place.chmod(0o755)
        self.state = self.place / "state"
        self.state.mkdir(mode=0o700)
        for program in ("tidepoold", "tidectl", "tidepool-compiler"):
            shutil.copy(BIN / program, self.place / program)
        command = [self.place / "tidepoold", "--config", "/dev/null", "--state-dir", self.state,
                   "--ready-file", self.state / "ready.json"]
        for key in ("listen.http", "listen.grpc", "listen.ops"):
            command += ["--set", f"{key}=127.0.0.1:0"]
        for setting in settings:
            command += ["--set", setting]
        if os.geteuid() == 0:
            shutil.chown(self.state, "nobody")
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        if pin is not None:
            command = ["taskset", "-c", str(pin), *command]
        self.log = open(self.place / "log", "w")
        self.process = subprocess.Popen([str(c) for c in command], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        ready = self.state / "ready.json"
        for _ in range(200):
            if ready.exists():
                break
            if self.process.poll() is not None:
                raise RuntimeError((self.place / "log").read_text())
            time.sleep(0.05)
        self.ready = json.loads(ready.read_text())

    def port(self, door):
        return int(self.ready[door].rsplit(":", 1)[1])

    def tidectl(self, *arguments):
        return run([self.place / "tidectl", "--server", self.ready["admin"], *arguments]).stdout

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.place, ignore_errors=True)
