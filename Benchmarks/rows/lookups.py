"""How lookups grow with the network, in the simulation of production code."""

import json
import math
import os

from .machine import attempt
from .table import at_most, note


def measure(machine, table):
    if why := machine.lacking("carrier-simulate", "make bench", machine.simulate):
        return table.lacks("lookups", why)
    sizes = [100, 1000] if machine.options.quick else [100, 1000, 10_000, 100_000]
    rows = attempt("simulation", lambda: growth(machine, sizes))
    for row in rows or []:
        nodes, queries = row["nodes"], row["queries_mean"]
        what = "lookup, N = %s" % "{:,}".format(nodes).replace(",", " ")
        table.row(what + ": queries", "", [queries], "log2 N", [math.log2(nodes)], at_most(1))
        # One after the other, on one path.
        table.row(what + ": time a query", "ms", [row["latency_ms_mean"] / queries])
        if nodes >= 1000:
            # What the program needs for itself would be most of it below.
            table.row(what + ": memory a node", "KiB", [row["bytes_per_node"] / 1024], bound=20)


def growth(machine, sizes):
    note("simulating %s nodes" % ", ".join(map(str, sizes)))
    machine.run(
        [machine.simulate, "scale", "--lookups", "1000", "--output", machine.folder, "--scale-nodes", *map(str, sizes)],
        patience=1200)
    with open(os.path.join(machine.folder, "simulation.jsonl")) as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if row["type"] == "scale" and row["paths"] == 1]
