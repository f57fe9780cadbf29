"""The library's own bulk rate, from memory to memory in two processes."""

from .machine import attempt
from .table import at_least

SIZE = 65_536


def measure(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("bulk, memory to memory", why)
    ours, theirs = [], []
    for run in machine.runs:
        ours.append(attempt("carrier", lambda: carrier(machine)))
        theirs.append(attempt("C limit", lambda: c_limit(machine)))
    table.row("bulk of 64 KiB messages, memory to memory", "MB/s", ours, "C limit", theirs, at_least(0.75))


def carrier(machine, program=None, scheme="tcp"):
    server, address = machine.bench_server(program=program, scheme=scheme)
    try:
        seconds = machine.seconds(2)
        figures = machine.asked(address, "--kind", "bulk", "--size", SIZE, "--seconds", seconds, program=program)
        return figures[0]["megabytesPerSecond"]
    finally:
        server.stop()


def c_limit(machine):
    server, port = machine.limit_server("sink")
    try:
        return float(machine.run([machine.limit, "send", port, "512" if machine.options.quick else "4096"]))
    finally:
        server.stop()
