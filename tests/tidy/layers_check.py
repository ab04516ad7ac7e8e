"""layers_check ROOT LAYERS.TXT: a file may include only headers of its own library's folder and of
the libraries in its DEPS; third-party headers with one home stay there; private headers stay in
their folder and its tests; production code never includes tests."""
import pathlib
import re
import sys

from sources import finish, sources

PROJECT = re.compile(r'\s*#\s*include "((?:engine|pool|daemon|proto|tests|benchmarks)/[^"]+)"')
ANY = re.compile(r'\s*#\s*include [<"]([^">]+)[">]')

# Third-party headers, and the folders that may see them.
HOMES = {
    r"boost/beast": ["daemon/http"],
    r"grpcpp/|grpc/": ["daemon/control", "daemon/cli"],
    r"sqlite3\.h": ["daemon/catalogue"],
    r"spdlog/": ["daemon/telemetry"],
    r"toml\+\+/": ["daemon/settings"],
    r"CLI/": ["daemon/cli", "daemon/app"],
    r"llvm/": ["engine/optimizing"],
    r"liburing": ["pool/memory"],
    r"seccomp\.h": ["daemon/compile_worker"],
}


def read_layers(text):
    """folder -> folders whose headers it may include, direct edges only."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    folder_of = {name: folder for name, folder, *_ in rows}
    allowed = {}
    for _, folder, *deps in rows:
        seen = allowed.setdefault(folder, {folder})
        for dep in deps:
            name = dep.removeprefix("tidepool::")
            if name in folder_of:
                seen.add(folder_of[name])
    return allowed


def check_file(relative, text, allowed):
    errors = []
    folder = str(pathlib.PurePosixPath(relative).parent)
    production = not relative.startswith(("tests/", "benchmarks/"))
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{relative}:{number}"
        project = PROJECT.match(line)
        if project:
            target = project[1]
            target_folder = str(pathlib.PurePosixPath(target).parent)
            if production and target.startswith(("tests/", "benchmarks/")):
                errors.append(f"{where}: production code includes {target}")
            elif production and folder in allowed and not target.startswith("proto/") \
                    and target_folder not in allowed[folder]:
                errors.append(f"{where}: {folder} may not include {target_folder} (not in its DEPS)")
            if target.endswith("_internal.h") and folder not in (target_folder, "tests/" + target_folder):
                errors.append(f"{where}: {target} is private to {target_folder}")
            if target.startswith("daemon/app/") and folder != "daemon/app" and production:
                errors.append(f"{where}: nothing includes daemon/app")
            continue
        other = ANY.match(line)
        if other and production:
            for pattern, homes in HOMES.items():
                if re.match(pattern, other[1]) and not any(folder.startswith(h) for h in homes):
                    errors.append(f"{where}: {other[1]} belongs to {', '.join(homes)}")
    return errors


def main():
    root, layers = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    allowed = read_layers(layers.read_text())
    errors = []
    for path in sources(root):
        relative = path.relative_to(root).as_posix()
        errors += check_file(relative, path.read_text(), allowed)
    finish(errors)


if __name__ == "__main__":
    main()
