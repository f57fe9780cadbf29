"""QUIC and UDP beside TCP: transfers, handshakes, requests."""

import json

from . import messages, pipes
from .machine import attempt
from .table import at_least


def measure(machine, table):
    transfers(machine, table)
    handshakes(machine, table)
    requests(machine, table)


def transfers(machine, table):
    figures = {"tcp": [], "quic": []}
    for run in machine.runs:
        for scheme, runs in figures.items():
            runs.append(attempt(scheme, lambda: pipes.carrier(machine, scheme)))
    tcp, quic = (pipes.pick(figures[scheme], 0) for scheme in ("tcp", "quic"))
    table.row("QUIC, pipe to pipe", "MB/s", quic, "carrier over TCP", tcp, at_least(0.6))


def handshakes(machine, table):
    """One after the other, from the first packet to the session."""
    p50 = {scheme: [attempt(scheme, lambda: handshake(machine, scheme)) for run in machine.runs]
           for scheme in ("tcp", "quic", "udp")}
    for scheme in ("quic", "udp"):
        table.row("handshake over %s, p50" % scheme, "ms", p50[scheme], "carrier over TCP", p50["tcp"])


def handshake(machine, scheme):
    node, address = machine.node(scheme=scheme)
    try:
        text = machine.run(
            [machine.carrier, "ping", "--ephemeral", "-q", "-c", "100", "-i", "5ms", "--layer", "handshake", "--json",
             address])
    finally:
        node.stop()
    return next(json.loads(line) for line in text.splitlines() if '"summary"' in line)["rtt_ms"]["p50"]


def requests(machine, table):
    if why := machine.lacking("carrier-bench", "make bench", machine.bench):
        return table.lacks("requests over QUIC and UDP", why)
    rates = {scheme: [messages.carrier(machine, "request", 64, 64, "perSecond", scheme=scheme) for run in machine.runs]
             for scheme in ("tcp", "quic", "udp")}
    for scheme in ("quic", "udp"):
        table.row("requests over %s, 64 in flight" % scheme, "1/s", rates[scheme], "carrier over TCP", rates["tcp"])
