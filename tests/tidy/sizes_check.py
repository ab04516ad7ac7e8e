"""sizes_check ROOT: a source file of more than 600 lines, a header of more than 250 or a README of more
than 150 is too much to hold in the head, unless size_exceptions.txt says why."""
import pathlib
import sys

from sources import finish, sources

SOURCE_LINES_MAX = 600
HEADER_LINES_MAX = 250
README_LINES_MAX = 150


def limit_of(path):
    if path.name == "README.md":
        return README_LINES_MAX
    return HEADER_LINES_MAX if path.suffix == ".h" else SOURCE_LINES_MAX


def read_exceptions(text):
    """path -> reason; a line is `path: reason`."""
    rows = [line.split(":", 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {path.strip(): reason.strip() for path, reason in rows}


def check_file(relative, line_count, exceptions):
    limit = limit_of(pathlib.PurePosixPath(relative))
    if line_count > limit and not exceptions.get(relative):
        return [f"{relative}: {line_count} lines, more than {limit}; split it, or say why in size_exceptions.txt"]
    return []


def main():
    root = pathlib.Path(sys.argv[1])
    exceptions = read_exceptions((root / "tests/tidy/size_exceptions.txt").read_text())
    errors = []
    readmes = [p for f in ("engine", "pool", "daemon", "tests", "benchmarks", "deploy", "config", "proto")
               for p in (root / f).rglob("README.md")]
    for path in [*sources(root), *readmes]:
        relative = path.relative_to(root).as_posix()
        errors += check_file(relative, len(path.read_text().splitlines()), exceptions)
    for relative in exceptions:
        if not (root / relative).exists():
            errors.append(f"size_exceptions.txt names {relative}, which does not exist")
    finish(errors)


if __name__ == "__main__":
    main()
