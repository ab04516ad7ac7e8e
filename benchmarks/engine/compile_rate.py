"""engine.compile: MB of code section per CPU second, bytes in → artifact mapped, hashing included, one thread,
over the real modules whose code section is above 50 KB, together."""
import json

import harness

GOAL_MB_PER_S = 25.0
CODE_BYTES_MIN = 50_000
# What the peers reach on the same modules (../shared/peers): for the reader, not measured here.
LIFTOFF_MB_PER_S, WINCH_MB_PER_S = 21.3, 5.0


def timings(module):
    out = harness.run([harness.BIN / "tidectl", "compile", module, "-o", harness.CACHE / "compile_rate.tpa",
                       "--timings", "--format", "json", "--option", "threads=1"]).stdout
    return json.loads(out)


def measure(quick):
    rounds = 1 if quick else 7
    harness.CACHE.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((harness.SHARED / "conformance/modules/manifest.json").read_text())
    files = sorted({m["file"] for m in manifest["modules"]})
    rates = []
    for _ in range(rounds):
        code_bytes, cpu = 0, 0.0
        for file in files:
            path = harness.SHARED / "conformance/modules" / file
            try:
                found = timings(path)
            except Exception:  # A module that needs a feature not there yet.
                continue
            if found["code_bytes"] > CODE_BYTES_MIN:
                code_bytes += found["code_bytes"]
                cpu += found["cpu_seconds"]
        rates.append(code_bytes / 1e6 / cpu)
    yield harness.row("engine.compile", "MB/s", rates, goal=GOAL_MB_PER_S, rate=True)
