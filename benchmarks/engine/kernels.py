"""engine.run: run time of the baseline tier over ../shared/peers/kernels ÷ native (clang -O3), interleaved;
the geometric mean, and one row per kernel."""
import math
import os
import statistics

import harness

LIFTOFF, WINCH = 2.58, 2.51  # ÷ native, without our checks (../shared/peers).


def user_seconds(command):
    before = os.times()
    harness.run(command)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure(quick):
    rounds = 1 if quick else 5
    folder = harness.SHARED / "peers/kernels"
    harness.run(["sh", folder / "build.sh", harness.CACHE / "kernels"])
    counts = dict(line.split() for line in (folder / "counts.txt").read_text().splitlines()
                  if not line.startswith("#") and line.strip())
    ratios = []
    for kernel, count in counts.items():
        native_program = harness.CACHE / f"kernels/{kernel}.clang"
        artifact = harness.CACHE / f"kernels/{kernel}.tpa"
        harness.run([harness.BIN / "tidectl", "compile", harness.CACHE / f"kernels/{kernel}.wasm", "-o", artifact])
        native, ours = [], []
        for _ in range(rounds):
            native.append(user_seconds([native_program, count]))
            ours.append(user_seconds([harness.BIN / "tidectl", "run", artifact, count]))
        floor = statistics.median(native)
        result = harness.row(f"engine.run.{kernel}", "s", ours, floor)
        ratios.append(result["ratio"])
        yield result
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    yield {"name": "engine.run", "unit": "x native", "value": mean, "p10": min(ratios), "p90": max(ratios),
           "floor": 1.0, "ratio": mean, "goal": None, "holds": None}
