"""What every benchmark script shares: building, the floors of ../shared/limits, a running daemon, rows.

A row is {name, unit, value, p10, p90, floor, ratio, goal, holds}; ratio is value / floor for costs and
times, floor / value for rates: 1.0 is the floor and larger is worse.
"""
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bench/bin"
SHARED = pathlib.Path(os.environ.get("TIDEPOOL_SHARED", ROOT.parent / "shared"))
# Programs built from ../shared stay outside the tree.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "tidepool-benchmarks"
TICK = os.sysconf("SC_CLK_TCK")

sys.path.insert(0, str(ROOT / "tests/integration"))
from daemon_process import DaemonProcess  # noqa: E402


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


def Daemon(*settings, pin=None):
    """tidepoold of the bench build."""
    return DaemonProcess(BIN, *settings, pin=pin)
