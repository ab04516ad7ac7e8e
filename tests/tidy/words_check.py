"""words_check ROOT: words that must not stand in production code, folders that must not exist."""
import pathlib
import re
import sys

from sources import finish, sources

BANNED = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "an open end; do it, or open an issue"),
    (re.compile(r"\busing namespace\b"), "names its members into every reader"),
    (re.compile(r"\b(ud2)\b.*\bassembler|assembler\w*\.ud2\("), "costs 8.9 us as a trap"),
    (re.compile(r"__register_frame\b"), "a global mutex in every unwind"),
    (re.compile(r"namespace llvm\b"), "hides the library's own"),
]
FOLDERS = {"common", "utils", "util", "include", "docs", "misc", "helpers"}


def check_file(relative, text):
    if relative.startswith("tests/tidy/"):
        return []
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in BANNED:
            if pattern.search(line):
                errors.append(f"{relative}:{number}: {pattern.pattern}: {why}")
    return errors


def main():
    root = pathlib.Path(sys.argv[1])
    errors = []
    for path in sources(root):
        relative = path.relative_to(root).as_posix()
        for part in pathlib.PurePosixPath(relative).parts[:-1]:
            if part in FOLDERS:
                errors.append(f"{relative}: a folder called {part} says nothing about what is in it")
        errors += check_file(relative, path.read_text())
    finish(errors)


if __name__ == "__main__":
    main()
