"""Whole handshakes, beside what OpenSSL needs for their keys, secrets, signatures and seals alone."""

from .machine import attempt
from .table import at_least, at_most


def measure(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("handshakes", why)
    ours, limit = [], []
    for run in machine.runs:
        if figures := attempt("carrier", lambda: carrier(machine)):
            ours.append(figures)
        limit.append(float(machine.run([machine.primitives, "handshake", str(machine.seconds(1))])))
    rates, costs = ([figures[index] for figures in ours] for index in (0, 1))
    # Each side has a core, as in a carrier-bench that serves and one that asks.
    table.row(
        "handshakes, both ends, two cores", "1/s", rates, "their primitives, two cores",
        [2e6 / microseconds for microseconds in limit], at_least(0.6))
    # The same in what moves less when the machine has other things to do.
    table.row("handshake, both ends", "CPU µs", costs, "its primitives", limit, at_most(1.67))


def carrier(machine):
    """Handshakes a second, and the CPU microseconds of both ends for each."""
    server, address = machine.bench_server()
    try:
        figures = machine.asked(address, "--kind", "handshake", "--in-flight", 16, "--seconds", machine.seconds(2))[0]
    finally:
        server.stop()
    return figures["perSecond"], figures["cpuMicroseconds"] + server.cpu * 1e6 / figures["count"]
