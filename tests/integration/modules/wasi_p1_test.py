#!/usr/bin/env python3
"""Runs the WASI preview 1 programs of ../shared/conformance/wasi-p1 by `tidectl run`.

usage: wasi_p1_test.py --bin DIR --suite DIR [--only NAME]…

Programs check themselves.  Each gets a fresh copy of its directory.  Without the folder: skipped (exit 77).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
TIMEOUT_S = 60
# A program that starts to work must be taken off.
EXPECTED_FAILURES = {}


def run(wasm, manifest, tidectl):
    with tempfile.TemporaryDirectory(prefix="tidepool-wasi.") as scratch:
        command = [tidectl, "run"]
        if manifest.get("root"):
            root = pathlib.Path(scratch) / "root"
            shutil.copytree(wasm.parent / manifest["root"], root)
            command += ["--dir", f"{root}::/"]
        for name, value in manifest.get("env", {}).items():
            command += ["--env", f"{name}={value}"]
        command += [wasm, *manifest.get("args", [])]
        return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT_S)


def problem_of(wasm, tidectl):
    manifest_path = wasm.with_suffix(".json")
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    try:
        result = run(wasm, manifest, tidectl)
    except subprocess.TimeoutExpired:
        return f"still running after {TIMEOUT_S} s"
    if result.returncode != manifest.get("exit_code", 0):
        return f"exit status {result.returncode}: {result.stderr[-800:].decode(errors='replace')}"
    for stream in ("stdout", "stderr"):
        if stream in manifest and getattr(result, stream).decode() != manifest[stream]:
            return f"{stream} is {getattr(result, stream)!r}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--suite", required=True, type=pathlib.Path)
    parser.add_argument("--only", action="append", help="such as rust/stdio")
    args = parser.parse_args()
    if not args.suite.is_dir():
        print(f"skipped: {args.suite} is not there")
        return SKIPPED
    bad, count = 0, 0
    for wasm in sorted(args.suite.rglob("*.wasm")):
        name = str(wasm.relative_to(args.suite).with_suffix(""))
        if args.only and name not in args.only:
            continue
        count += 1
        problem = problem_of(wasm, args.bin / "tidectl")
        expected = name in EXPECTED_FAILURES
        bad += (problem is None) if expected else (problem is not None)
        if expected:
            print(f"{name}: {'passes; take it off the list' if problem is None else 'fails as expected'}")
        else:
            print(f"{name}: {problem or 'ok'}")
    if count == 0:
        print("no program was found")
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
