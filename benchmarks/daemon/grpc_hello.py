"""grpc.hello: server CPU per call of the same function over gRPC, beside a bare gRPC server and one
`madvise` reset."""
import statistics
import subprocess
import time

import harness
from daemon.http_hello import madvise_cycle_us

GOAL = 1 / 0.80
IN_FLIGHT, CONNECTIONS = 32, 4
WARM_UP_SECONDS = 0.5  # Of both clients.


def build_bare():
    folder = harness.SHARED / "limits"
    proto = folder / "grpc_hello.proto"
    harness.CACHE.mkdir(parents=True, exist_ok=True)
    if not (harness.CACHE / "grpc_hello").exists():
        plugin = harness.run(["which", "grpc_cpp_plugin"]).stdout.strip()
        harness.run(["protoc", f"-I{folder}", f"--cpp_out={harness.CACHE}", f"--grpc_out={harness.CACHE}",
                     f"--plugin=protoc-gen-grpc={plugin}", proto])
    libraries = harness.run(["pkg-config", "--libs", "grpc++", "protobuf"]).stdout.split()
    return harness.build_limit("grpc_hello", "grpc_hello.cpp", f"-I{harness.CACHE}",
                               harness.CACHE / "grpc_hello.pb.cc", harness.CACHE / "grpc_hello.grpc.pb.cc",
                               *libraries)


def per_call_us(pid, client, seconds):
    before = harness.cpu_seconds(pid)
    rate, failed = harness.run(["taskset", "-c", "1", *client]).stdout.split()
    if int(failed):
        raise RuntimeError(f"{failed} calls failed")
    return (harness.cpu_seconds(pid) - before) / (float(rate) * (seconds + WARM_UP_SECONDS)) * 1e6


def bare_us(program, port, seconds):
    server = subprocess.Popen(["taskset", "-c", "0", str(program), "server", str(port)])
    try:
        time.sleep(0.5)
        return per_call_us(server.pid, [program, "client", port, seconds, IN_FLIGHT, CONNECTIONS], seconds)
    finally:
        server.kill()
        server.wait()


def measure(quick):
    seconds, rounds = (1, 1) if quick else (4, 5)
    module = harness.build_guest("hello_handler.c", "-mexec-model=reactor")
    bare_program = build_bare()
    ours, bare, cycle = [], [], []
    with harness.Daemon("workers=1", "limits.concurrency=1000", pin=0) as daemon:
        daemon.tidectl("tenant", "create", "bench")
        daemon.tidectl("function", "deploy", "hello", module, "-t", "bench", "--abi", "handler")
        client = [harness.BIN / "grpc_load", daemon.port("grpc"), seconds, IN_FLIGHT, CONNECTIONS,
                  "tenants/bench/functions/hello"]
        for r in range(rounds):
            ours.append(per_call_us(daemon.process.pid, client, seconds))
            bare.append(bare_us(bare_program, 18600 + r, seconds))
            cycle.append(madvise_cycle_us(3 if quick else 11))
    floor = statistics.median(bare) + statistics.median(cycle)
    yield harness.row("grpc.hello", "us", ours, floor, GOAL)
    yield harness.row("grpc.hello.bare_grpc", "us", bare)
