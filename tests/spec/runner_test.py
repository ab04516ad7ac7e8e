#!/usr/bin/env python3
"""tidepool-spec itself: does it fail what must fail?

usage: runner_test.py PROGRAM
"""
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)


def section(number, body):
    return bytes([number, len(body)]) + body


def vector(items):
    return bytes([len(items)]) + b"".join(items)


def name(text):
    return bytes([len(text)]) + text.encode()


def body(code):
    whole = b"\x00" + code + b"\x0b"
    return bytes([len(whole)]) + whole


def module():
    """(module (func (export "seven") (result i32) i32.const 7) (func (export "trap") unreachable)
    (func (export "recurse") (call 2)) (func (export "nan") (result f32) f32.const nan))"""
    types = vector([b"\x60\x00\x01\x7f", b"\x60\x00\x00", b"\x60\x00\x01\x7d"])
    exports = vector([name(text) + bytes([0, index]) for index, text in enumerate(["seven", "trap", "recurse", "nan"])])
    code = vector([body(b"\x41\x07"), body(b"\x00"), body(b"\x10\x02"), body(b"\x43\x00\x00\xc0\x7f")])
    return (b"\0asm\x01\0\0\0" + section(1, types) + section(3, vector([b"\0", b"\1", b"\1", b"\2"])) +
            section(7, exports) + section(10, code))


def command(kind, line, **rest):
    return {"type": kind, "line": line, **rest}


def invoke(field):
    return {"type": "invoke", "field": field, "args": []}


def with_module(kind, line, wasm, **rest):
    return command(kind, line, module_type="binary", filename="m.wasm", wasm=base64.b64encode(wasm).decode(), **rest)


def returns(line, field, kind, value):
    return command("assert_return", line, action=invoke(field), expected=[{"type": kind, "value": value}])


GOOD = [
    with_module("module", 1, module()),
    returns(2, "seven", "i32", "7"),
    returns(3, "nan", "f32", "nan:canonical"),
    command("assert_trap", 4, action=invoke("trap"), text="unreachable"),
    command("assert_exhaustion", 5, action=invoke("recurse"), text="call stack exhausted"),
    with_module("assert_malformed", 6, b"\0asm", text="unexpected end"),
]
WRONG = {
    "value": returns(9, "seven", "i32", "8"),
    "type": returns(9, "seven", "i64", "7"),
    "count": command("assert_return", 9, action=invoke("seven"), expected=[]),
    "pattern": returns(9, "seven", "f32", "nan:canonical"),
    "returned instead of trapping": command("assert_trap", 9, action=invoke("seven"), text="unreachable"),
    "another trap": command("assert_trap", 9, action=invoke("trap"), text="integer overflow"),
    "trapped instead of returning": returns(9, "trap", "i32", "7"),
    "no such export": returns(9, "eight", "i32", "7"),
    "valid": with_module("assert_invalid", 9, module(), text="type mismatch"),
    "links": with_module("assert_unlinkable", 9, module(), text="unknown import"),
    "instantiates": with_module("assert_uninstantiable", 9, module(), text="unreachable"),
    "damaged": with_module("module", 9, module()[:-1]),
    "unknown command": command("assert_nonsense", 9),
    "no instance": command("action", 9, action={**invoke("seven"), "module": "$absent"}),
}


class RunnerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidepool-spec.")
        self.script = pathlib.Path(self.folder.name) / "script.json"
        self.addCleanup(self.folder.cleanup)

    def run_script(self, commands, *options):
        self.script.write_text(json.dumps({"source_filename": "script.wast", "commands": commands}))
        return subprocess.run([PROGRAM, *map(str, options), self.script], capture_output=True, text=True)

    def test_passes_what_holds(self):
        for storage in ("pool", "owned"):
            result = self.run_script(GOOD, "--storage", storage)
            self.assertEqual(result.stdout, "ok script.json 6 0 0\n6 passed, 0 failed, 0 skipped\n", result.stderr)
            self.assertEqual(result.returncode, 0)

    def test_fails_what_does_not(self):
        for what, wrong in WRONG.items():
            with self.subTest(what):
                result = self.run_script(GOOD + [wrong])
                lines = result.stdout.splitlines()
                self.assertEqual(lines[0], "FAIL script.json 6 1 0")
                self.assertTrue(lines[1].startswith(f"  9 {wrong['type']} expected "), lines[1])
                self.assertEqual(lines[-1], "6 passed, 1 failed, 0 skipped")
                self.assertEqual(result.returncode, 1)

    def test_nothing_runs_on_an_older_instance(self):
        result = self.run_script([GOOD[0], WRONG["damaged"], returns(10, "seven", "i32", "7")])
        self.assertIn("FAIL script.json 1 2 0", result.stdout)

    def test_skips_what_it_is_told_to(self):
        skip = pathlib.Path(self.folder.name) / "skip.tsv"
        skip.write_text("file\tline\tcommand\nscript.json\t9\tassert_return\nother.json\t2\tassert_return\n")
        result = self.run_script(GOOD + [WRONG["value"]], "--skip", skip)
        self.assertIn("ok script.json 6 0 1", result.stdout)

    def test_repeats(self):
        result = self.run_script(GOOD, "--repeat", 3)
        self.assertEqual(result.stdout.count("ok script.json"), 3)

    def test_refuses_options_it_does_not_know(self):
        for options in (["--nonsense"], ["--storage", "heap"], ["--growth", "fast"], ["--option", "x=y"],
                        ["--slots", "0"], ["--repeat", "many"], ["--tier", "none"]):
            with self.subTest(options):
                self.assertEqual(self.run_script(GOOD, *options).returncode, 2)


if __name__ == "__main__":
    unittest.main()
