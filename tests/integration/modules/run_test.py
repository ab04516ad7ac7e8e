#!/usr/bin/env python3
"""`tidectl run`: what people see of a module that ends well, badly, or not as they meant it.

usage: run_test.py BIN_DIR
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(sys.argv.pop(1))

I32, I64, F64 = b"\x7f", b"\x7e", b"\x7c"


def leb(value):
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if value == 0:
            return bytes(out)


def sized(body):
    return leb(len(body)) + body


def vector(items):
    return leb(len(items)) + b"".join(items)


def name(text):
    return sized(text.encode())


def function_type(params, results):
    return b"\x60" + vector(params) + vector(results)


def module(types, imports, functions, exports, names=None):
    """`functions`: pairs of type index and code; `exports`: name → function index; one memory, exported."""
    sections = [
        (1, vector(types)),
        (2, vector([name(m) + name(n) + b"\0" + leb(t) for m, n, t in imports])),
        (3, vector([leb(t) for t, _ in functions])),
        (5, vector([b"\0\1"])),
        (7, vector([name(n) + b"\0" + leb(i) for n, i in exports.items()] + [name("memory") + b"\2\0"])),
        (10, vector([sized(b"\0" + code + b"\x0b") for _, code in functions])),
    ]
    if names:
        table = vector([leb(i) + name(n) for i, n in names.items()])
        sections.append((0, name("name") + b"\1" + sized(table)))
    return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + sized(body) for number, body in sections)


def const(value):
    return b"\x41" + (leb(value) if value < 64 else bytes([value & 0x7F | 0x80, value >> 7]))


VOID = function_type([], [])
EXIT = function_type([I32], [])


def command(code, **rest):
    """A command whose `_start` runs `code`; proc_exit is function 0."""
    return module([VOID, EXIT], [("wasi_snapshot_preview1", "proc_exit", 1)], [(0, code)], {"_start": 1}, **rest)


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidepool-run.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, content, file_name="m.wasm"):
        path = self.folder / file_name
        path.write_bytes(content)
        return path

    def tidectl(self, *arguments, **rest):
        return subprocess.run([str(BIN / "tidectl"), *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, **rest)

    def run_module(self, content, *arguments):
        return self.tidectl("run", self.file(content), *arguments)

    def test_ends_with_the_guests_status(self):
        self.assertEqual(self.run_module(command(b"")).returncode, 0)
        self.assertEqual(self.run_module(command(const(33) + b"\x10\0")).returncode, 33)

    def test_a_status_that_does_not_fit_is_no_success(self):
        result = self.run_module(command(b"\x41\x80\x02\x10\0"))  # proc_exit(256)
        self.assertEqual(result.returncode, 255)

    def test_a_trap_is_told_with_its_backtrace(self):
        result = self.run_module(module([VOID], [], [(0, b"\x10\1"), (0, b"\0")], {"_start": 0},
                                        names={0: "outer", 1: "inner"}))
        self.assertEqual(result.returncode, 134)
        self.assertIn("unreachable", result.stderr)
        self.assertLess(result.stderr.index("inner"), result.stderr.index("outer"))
        self.assertEqual(result.stdout, "")

    def test_endless_recursion_is_a_trap(self):
        result = self.run_module(module([VOID], [], [(0, b"\x10\0")], {"_start": 0}))
        self.assertEqual(result.returncode, 134)
        self.assertIn("call stack exhausted", result.stderr)

    def test_invokes_with_typed_values(self):
        add = module([function_type([I64, I64], [I64]), function_type([F64], [F64, I64])], [],
                     [(0, b"\x20\0\x20\1\x7c"), (1, b"\x20\0\x42\x7f")], {"add": 0, "two": 1})
        path = self.file(add)
        result = self.tidectl("run", "--invoke", "add", path, "40", "-2")
        self.assertEqual((result.returncode, result.stdout), (0, "38\n"), result.stderr)
        result = self.tidectl("run", "--invoke", "two", path, "2.5")
        self.assertEqual(result.stdout, "2.5\n-1\n")
        for arguments in (["1"], ["1", "x"], ["1", "2", "3"]):
            result = self.tidectl("run", "--invoke", "add", path, *arguments)
            self.assertEqual(result.returncode, 10, result.stderr)
        result = self.tidectl("run", "--invoke", "absent", path)
        self.assertEqual(result.returncode, 10)
        self.assertIn("absent", result.stderr)

    def test_runs_artifacts_and_no_damaged_ones(self):
        path, artifact = self.file(command(const(5) + b"\x10\0")), self.folder / "m.tpa"
        self.assertEqual(self.tidectl("compile", path, "-o", artifact).returncode, 0)
        self.assertEqual(self.tidectl("run", artifact).returncode, 5)
        whole = artifact.read_bytes()
        for offset in (len(whole) // 2, len(whole) - 1):
            damaged = bytearray(whole)
            damaged[offset] ^= 1
            result = self.tidectl("run", self.file(bytes(damaged), "damaged.tpa"))
            self.assertEqual(result.returncode, 1, result.stderr)
        result = self.tidectl("run", self.file(whole[:-1], "short.tpa"))
        self.assertEqual(result.returncode, 1)

    def test_says_what_is_wrong_with_the_file(self):
        self.assertEqual(self.tidectl("run", self.folder / "absent.wasm").returncode, 3)
        result = self.tidectl("run", self.file(b"#!/bin/sh\n", "script"))
        self.assertEqual(result.returncode, 10)
        self.assertIn("neither", result.stderr)
        self.assertEqual(self.run_module(command(b"")[:-3]).returncode, 10)
        result = self.run_module(module([VOID], [], [(0, b"")], {"other": 0}))
        self.assertEqual(result.returncode, 10)
        self.assertIn("_start", result.stderr)

    def test_missing_imports_are_named_or_stubbed(self):
        content = module([VOID], [("bench", "start", 0), ("bench", "end", 0)], [(0, b"\x10\0\x10\1")], {"_start": 2})
        result = self.run_module(content)
        self.assertEqual(result.returncode, 1)
        self.assertIn("bench.start", result.stderr)
        self.assertIn("bench.end", result.stderr)
        path = self.folder / "m.wasm"
        self.assertEqual(self.tidectl("run", "--stub-imports", "bench.*=zero", path).returncode, 0)
        self.assertEqual(self.tidectl("run", "--stub-imports", "bench.*=trap", path).returncode, 134)

    def test_wrong_usage(self):
        path = self.file(command(b""))
        for arguments in (["--dir", "::", path], ["--stub-imports", "x", path], ["--tier", "fastest", path], [],
                          ["--nonsense", path]):
            self.assertEqual(self.tidectl("run", *arguments).returncode, 2, arguments)
        result = self.tidectl("run", "--dir", f"{self.folder}/absent::/", path)
        self.assertEqual(result.returncode, 3, result.stderr)


if __name__ == "__main__":
    unittest.main()
