"""What the tidy checks look at: the project's own source files."""
import pathlib

FOLDERS = ("engine", "pool", "daemon", "tests", "benchmarks", "proto")
SUFFIXES = {".h", ".cc", ".c", ".S", ".def", ".proto"}


def sources(root, folders=FOLDERS):
    for folder in folders:
        for path in sorted((pathlib.Path(root) / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def finish(errors):
    for error in errors:
        print(error)
    raise SystemExit(1 if errors else 0)
