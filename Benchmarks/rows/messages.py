"""Small messages between two processes, beside a bare C program; and what they allocate."""

import json

from .machine import attempt
from .table import at_least, at_most


def measure(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("messages", why)
    one_core = {machine.cores[0]}
    trips = {None: ([], [], []), "one core": ([], [], [])}
    many, alone = {None: [], "one core": []}, {None: [], "one core": []}
    told, written = [], []
    for run in machine.runs:
        for name, cores in ((None, None), ("one core", one_core)):
            raw = attempt("raw TCP", lambda: ping_pong(machine, cores))
            if raw:
                trips[name][1].append(raw["p50"])
                alone[name].append(raw["rate"])
            trips[name][0].append(carrier(machine, "request", 32, 1, "p50Microseconds", cores))
            trips[name][2].append(carrier(machine, "bare", 32, 1, "p50Microseconds", cores))
            many[name].append(carrier(machine, "request", 64, 64, "perSecond", cores))
        told.append(carrier(machine, "one-way", 64, 1, "perSecond"))
        written.append(attempt("C", lambda: c_messages(machine)))
    table.row(
        "round trip of a 32-byte request, p50, one core", "µs", trips["one core"][0], "raw TCP, one core",
        trips["one core"][1], at_most(1.5))
    table.row("round trip of a 32-byte request, p50", "µs", trips[None][0], "raw TCP", trips[None][1], at_most(1.5))
    # Both again beside what is left of them without frames, records, components and tasks.
    table.row(
        "round trip of a 32-byte request, p50, one core", "µs", trips["one core"][0], "SwiftNIO alone, one core",
        trips["one core"][2])
    table.row("round trip of a 32-byte request, p50", "µs", trips[None][0], "SwiftNIO alone", trips[None][2])
    # One core is the sterner measure: raw TCP loses less time to waking there.
    one = "raw TCP, one at a time, one core"
    table.row("requests of 64 bytes, 64 in flight", "1/s", many[None], one, alone["one core"], at_least(5.5))
    table.row("requests of 64 bytes, 64 in flight", "1/s", many[None], "raw TCP, one at a time", alone[None])
    table.row("requests of 64 bytes, 64 in flight, one core", "1/s", many["one core"], one, alone["one core"], at_least(5.5))
    table.row("one-way messages of 64 bytes", "1/s", told, "C, one a write", written, at_least(10))
    for kind, flight, most in (("one-way", 1, 1), ("request", 64, 4)):
        table.row(
            "allocations a message, both ends: " + kind, "", [attempt(kind, lambda: allocations(machine, kind, flight))],
            bound=most)


def carrier(machine, kind, size, flight, figure, cores=None, scheme="tcp"):
    def ask():
        server, address = machine.bench_server("--kind", kind, cores=cores, scheme=scheme)
        try:
            return machine.asked(
                address, "--kind", kind, "--size", size, "--in-flight", flight, "--seconds", machine.seconds(1),
                cores=cores)[0][figure]
        finally:
            server.stop()

    return attempt("carrier", ask)


def ping_pong(machine, cores):
    server, port = machine.limit_server("echo", cores)
    try:
        rounds = str(int(machine.seconds(30_000)))
        words = machine.run([machine.limit, "pingpong", port, rounds], cores=cores).split()
        return {name: float(value) for name, value in zip(words[::2], words[1::2])}
    finally:
        server.stop()


def c_messages(machine):
    server, port = machine.limit_server("drain")
    try:
        return float(machine.run([machine.limit, "messages", port, str(int(machine.seconds(1_000_000)))]))
    finally:
        server.stop()


def allocations(machine, kind, flight):
    library = machine.compile("allocations", "-shared", "-fPIC")
    text = machine.run(
        [machine.bench, "--json", "--kind", kind, "--size", "64", "--in-flight", str(flight), "--seconds", "0.3"],
        environment={"LD_PRELOAD": library})
    return json.loads(text.splitlines()[0])["allocations"]
