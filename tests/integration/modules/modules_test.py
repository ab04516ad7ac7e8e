#!/usr/bin/env python3
"""Runs the real programs of ../shared/conformance/modules and compares what they print.

usage: modules_test.py --bin DIR --modules DIR [--only NAME]…

Commands go through `tidectl run`, as issue 3 says: a fresh copy of the directory they are given, `bench.*` stubbed.
The reactor goes through `tidepool-spec --steps`.  Without the folder the test is skipped (exit 77).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
TIMEOUT_S = 240
# What the engine has to learn first; a module that starts to work must be taken off.
EXPECTED_FAILURES = {
    "blake3-simd": "SIMD",
    "splay": "garbage-collected references",
}


def read(folder, name):
    return None if name is None else (folder / name).read_bytes()


def run_command(entry, modules, programs, scratch):
    command = [programs / "tidectl", "run", "--stub-imports", "bench.*=zero"]
    if entry["dir"]:
        copy = scratch / "dir"
        shutil.copytree(modules / entry["dir"]["host"], copy)
        command += ["--dir", f"{copy}::{entry['dir']['guest']}"]
    for name, value in entry["env"].items():
        command += ["--env", f"{name}={value}"]
    command += [modules / entry["file"], *entry["args"]]
    return subprocess.run(list(map(str, command)), input=read(modules, entry["stdin"]) or b"", capture_output=True,
                          timeout=TIMEOUT_S)


def run_reactor(entry, modules, programs):
    command = [programs / "tidepool-spec", "--steps", modules / entry["steps"], modules / entry["file"]]
    return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S)


def difference(entry, modules, result):
    """Nothing, or the first thing that is not as it should be."""
    if result.returncode != entry["exit_code"]:
        return f"exit status {result.returncode}, not {entry['exit_code']}: {result.stderr[-600:].decode(errors='replace')}"
    for stream in ("stdout", "stderr"):
        expected = read(modules, entry[stream])
        actual = getattr(result, stream)
        if expected is not None and actual != expected:
            return f"{stream} is {actual[-300:]!r}, not {expected[-300:]!r}"
    return None


def check(entry, modules, programs):
    with tempfile.TemporaryDirectory(prefix="tidepool-modules.") as scratch:
        try:
            if entry["kind"] == "reactor":
                result = run_reactor(entry, modules, programs)
            else:
                result = run_command(entry, modules, programs, pathlib.Path(scratch))
        except subprocess.TimeoutExpired:
            return f"still running after {TIMEOUT_S} s"
        return difference(entry, modules, result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--modules", required=True, type=pathlib.Path)
    parser.add_argument("--only", action="append", help="names from the manifest")
    args = parser.parse_args()
    if not args.modules.is_dir():
        print(f"skipped: {args.modules} is not there")
        return SKIPPED
    entries = json.loads((args.modules / "manifest.json").read_text())["modules"]
    bad = 0
    for entry in entries:
        name = entry["name"]
        if args.only and name not in args.only:
            continue
        problem = check(entry, args.modules, args.bin)
        if name in EXPECTED_FAILURES:
            bad += problem is None
            print(f"{name}: {'passes; take it off the list' if problem is None else 'fails as expected'}"
                  f" ({EXPECTED_FAILURES[name]})")
        else:
            bad += problem is not None
            print(f"{name}: {problem or 'ok'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
