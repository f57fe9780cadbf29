"""The library's bulk rate with records sealed by BoringSSL, beside iperf3 in the clear."""

import json
import os

from . import bulk
from .machine import ROOT, attempt, free_port
from .table import at_least

PROGRAM = os.path.join(ROOT, ".build-boringssl", "release", "carrier-bench")
ROW = "bulk, sealed by BoringSSL"


def measure(machine, table):
    why = machine.lacking("carrier-bench with BoringSSL", "make bench-boringssl", PROGRAM)
    if why := why or machine.lacking("iperf3", "iperf3"):
        return table.lacks(ROW, why)
    ours, clear, ordinary = [], [], []
    for run in machine.runs:
        ours.append(attempt("carrier", lambda: bulk.carrier(machine, PROGRAM)))
        clear.append(attempt("iperf3", lambda: iperf(machine)))
        ordinary.append(attempt("carrier", lambda: bulk.carrier(machine)))
    table.row(ROW, "MB/s", ours, "iperf3, one stream in the clear", clear, at_least(1))
    table.row(ROW, "MB/s", ours, "sealed by OpenSSL", ordinary)


def iperf(machine):
    port = str(free_port())
    server = machine.start(["iperf3", "--server", "--one-off", "--bind", "127.0.0.1", "--port", port])
    machine.listening(int(port))
    text = machine.run(
        ["iperf3", "--client", "127.0.0.1", "--port", port, "--json", "--time", str(max(1, machine.seconds(3)))])
    server.wait()
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 8e6
