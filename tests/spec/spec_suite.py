#!/usr/bin/env python3
"""Holds tidepool-spec against the conformance scripts, and the list of scripts that are not there yet against the
truth.

usage: spec_suite.py --spec PROGRAM --expected FILE --suite DIR --report FILE [--mode NAME=OPTION,OPTION…]…

Each mode is one process over the whole folder.  The test fails when a script fails that the list does not name, when
one passes that it names, when a script of WebAssembly 1.0 and 2.0 without SIMD is on the list, and when a script is
missing from what the program prints (it crashed).  Without the folder it is skipped (exit 77).
"""
import argparse
import csv
import pathlib
import subprocess
import sys

SKIPPED = 77


def expected_failures(path):
    """Names of scripts, one per line; what follows a # is for readers."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if line}


def required_scripts(suite):
    """Scripts that must pass whole: the first two releases, but for SIMD."""
    with open(suite / "groups.tsv", newline="") as table:
        return {row["file"] for row in csv.DictReader(table, delimiter="\t")
                if row["needs"] in ("1.0", "2.0") and row["feature"] != "simd"}


def run(program, suite, options):
    """Verdict by script, and the lines that explain each."""
    command = [program, *options, "--skip", suite / "skip.tsv", suite]
    process = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace")
    verdicts, details, name = {}, {}, None
    for line in process.stdout.splitlines():
        words = line.split()
        if line.startswith(("ok ", "FAIL ")) and len(words) == 5:
            name = words[1]
            verdicts[name] = words[0] == "ok"
            details[name] = []
        elif line.startswith("  ") and name is not None:
            details[name].append(line)
    return process, verdicts, details


def check_mode(name, options, args, listed, required):
    process, verdicts, details = run(args.spec, args.suite, options)
    scripts = {str(p.relative_to(args.suite)) for p in args.suite.rglob("*.json") if p.name != "manifest.json"}
    problems = []
    for script in sorted(scripts - set(verdicts)):
        problems.append(f"{script}: nothing was printed about it")
    if scripts - set(verdicts):
        problems.append(f"the program ended with {process.returncode}: {process.stderr.strip()[-500:]}")
    for script, passed in sorted(verdicts.items()):
        if passed and script in listed:
            problems.append(f"{script}: passes; take it off {args.expected.name}")
        if not passed and script not in listed:
            problems.append("\n".join([f"{script}: fails", *details[script][:10]]))
    for script in sorted(required & listed):
        problems.append(f"{script}: is on the list, but has to pass")
    for script in sorted(listed - scripts):
        problems.append(f"{script}: is on the list, but there is no such script")
    passed = sum(verdicts.values())
    for problem in problems:
        print(f"{name}: {problem}")
    print(f"{name}: {passed} scripts passed, {len(verdicts) - passed} failed, "
          f"of {len(required)} required {sum(verdicts.get(s, False) for s in required)} passed")
    return passed, not problems


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True, type=pathlib.Path)
    parser.add_argument("--expected", required=True, type=pathlib.Path)
    parser.add_argument("--suite", required=True, type=pathlib.Path)
    parser.add_argument("--report", required=True, type=pathlib.Path)
    parser.add_argument("--mode", action="append", default=[], help="NAME=OPTION,OPTION…")
    return parser.parse_args()


def main():
    args = parse()
    if not args.suite.is_dir():
        summary = f"conformance: 0 scripts passed, 0 expected to fail, all skipped: {args.suite} is not there"
        status = SKIPPED
    else:
        listed, required = expected_failures(args.expected), required_scripts(args.suite)
        results = []
        for mode in args.mode:
            name, _, options = mode.partition("=")
            results.append(check_mode(name, [o for o in options.split(",") if o], args, listed, required))
        fewest = min(passed for passed, _ in results)
        summary = (f"conformance: {fewest} scripts passed, {len(listed)} expected to fail, 0 skipped "
                   f"(in each of {len(results)} modes)")
        status = 0 if all(good for _, good in results) else 1
    print(summary)
    args.report.parent.mkdir(parents=True, exist_ok=True)
    args.report.write_text(summary + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
