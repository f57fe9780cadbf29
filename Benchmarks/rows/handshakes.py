"""Whole handshakes, beside what OpenSSL needs for their keys, secrets, signatures and seals alone."""

from .machine import attempt
from .table import at_least


def measure(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("handshakes", why)
    ours, limit, cost = [], [], []
    for run in machine.runs:
        ours.append(attempt("carrier", lambda: carrier(machine)))
        microseconds = float(machine.run([machine.primitives, "handshake", str(machine.seconds(1))]))
        cost.append(microseconds)
        # Each side has a core, as in a carrier-bench that serves and one that asks.
        limit.append(2e6 / microseconds)
    table.row("handshakes, both ends, two cores", "1/s", ours, "their primitives, two cores", limit, at_least(0.6))
    table.row("primitives of a handshake, both sides", "CPU µs", cost)


def carrier(machine):
    server, address = machine.bench_server()
    try:
        return machine.asked(
            address, "--kind", "handshake", "--in-flight", 16, "--seconds", machine.seconds(2))[0]["perSecond"]
    finally:
        server.stop()
