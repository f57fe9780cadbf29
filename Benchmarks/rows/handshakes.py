"""Whole handshakes, beside what OpenSSL needs for their keys, secrets, signatures and seals alone."""

import subprocess

from .machine import attempt
from .table import at_least, at_most


def measure(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("handshakes", why)
    strangers, known, limit = [], [], []
    for run in machine.runs:
        for figures, flags in ((strangers, ["--strangers"]), (known, [])):
            if found := attempt("carrier", lambda: carrier(machine, flags)):
                figures.append(found)
        limit.append(primitives(machine))
    most = [2e6 / microseconds for microseconds in limit]
    rates, costs = ([figures[index] for figures in strangers] for index in (0, 1))
    table.row("handshakes of strangers, both ends, two cores", "1/s", rates, "their primitives, two cores", most, at_least(0.6))
    # The same in what moves less when the machine has other things to do.
    table.row("handshake of strangers, both ends", "CPU µs", costs, "its primitives", limit, at_most(1.67))
    rates = [figures[0] for figures in known]
    table.row("handshakes of peers that come again", "1/s", rates, "the primitives of strangers", most)


def carrier(machine, flags):
    """Handshakes a second, and the CPU microseconds of both ends for each."""
    server, address = machine.bench_server(*flags)
    try:
        figures = machine.asked(
            address, "--kind", "handshake", "--in-flight", 16, "--seconds", machine.seconds(2), *flags)[0]
    finally:
        server.stop()
    return figures["perSecond"], figures["cpuMicroseconds"] + server.cpu * 1e6 / figures["count"]


def primitives(machine):
    """CPU microseconds of one handshake, while two programs at once work at it: as a carrier-bench that serves and one that asks
    have a core each, and cores that are two threads of one are slower together."""
    both = [
        machine.start([machine.primitives, "handshake", str(machine.seconds(1))], stdout=subprocess.PIPE)
        for core in range(2)
    ]
    return sum(float(process.stdout.read()) for process in both) / len(both)
