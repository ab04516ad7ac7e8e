"""http.hello: server CPU per request of a trivial `handler` function, one thread, keep-alive, beside bare
Beast and one `madvise` reset, which together are what the request cannot go below on that strategy."""
import re
import statistics
import subprocess
import time

import harness

GOAL = 1 / 0.85
IDLE_CONNECTIONS = 32


def madvise_cycle_us(rounds):
    """The `madvise` row of `perfect`, one thread, in microseconds."""
    perfect = harness.build_limit("perfect", "perfect.cpp", "-luring")
    text = harness.run([perfect, rounds]).stdout
    one_thread = text.split("## One request")[1]
    found = re.search(r"init \+ call \+ madvise\s*\|\s*([\d.]+)", one_thread)
    return float(found[1]) / 1000


def load(port, path, seconds):
    """Requests per second of wrk from core 1."""
    out = harness.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{IDLE_CONNECTIONS}", f"-d{seconds}",
                       f"http://127.0.0.1:{port}{path}"]).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise RuntimeError(f"{bad[1]} requests failed")
    return int(re.search(r"(\d+) requests in", out)[1])


def beast_us(port, seconds):
    server_program = harness.build_limit("http_asio_epoll", "http_asio.cpp", "-O3")
    server = subprocess.Popen(["taskset", "-c", "0", str(server_program), str(port), "1", "beast"],
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        load(port, "/", 1)
        before = harness.cpu_seconds(server.pid)
        requests = load(port, "/", seconds)
        return (harness.cpu_seconds(server.pid) - before) / requests * 1e6
    finally:
        server.kill()
        server.wait()


def measure(quick):
    seconds, rounds = (1, 1) if quick else (4, 5)
    module = harness.build_guest("hello_handler.c", "-mexec-model=reactor")
    ours, bare, cycle = [], [], []
    with harness.Daemon("workers=1", "limits.concurrency=1000", pin=0) as daemon:
        daemon.tidectl("tenant", "create", "bench")
        daemon.tidectl("function", "deploy", "hello", module, "-t", "bench", "--abi", "handler")
        port, path = daemon.port("http"), "/f/bench/hello/"
        load(port, path, 1)
        for r in range(rounds):
            before = daemon.cpu_seconds()
            requests = load(port, path, seconds)
            ours.append((daemon.cpu_seconds() - before) / requests * 1e6)
            bare.append(beast_us(18500 + r, seconds))
            cycle.append(madvise_cycle_us(3 if quick else 11))
    floor = statistics.median(bare) + statistics.median(cycle)
    yield harness.row("http.hello", "us", ours, floor, GOAL)
    yield harness.row("http.hello.bare_beast", "us", bare)
