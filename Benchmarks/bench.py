#!/usr/bin/env python3
"""Measures carrier beside public tools and beside bare C programs, in turns, and prints one table.

    Benchmarks/bench.py [--quick] [--runs N] [--size MIB] [--only GROUP …] [--json FILE] [--markdown]

Groups: pipes, bulk, messages, handshakes, commands, transports, lookups, boringssl. Each figure is the median of its runs
with the lowest and the highest. A row whose tool is missing says what to install. `make bench` builds what this needs.
"""

import argparse
import sys

sys.dont_write_bytecode = True

from rows import boringssl, bulk, commands, handshakes, lookups, messages, pipes, transports
from rows.machine import Machine
from rows.table import Table

GROUPS = {
    "pipes": pipes, "bulk": bulk, "messages": messages, "handshakes": handshakes, "commands": commands,
    "transports": transports, "lookups": lookups, "boringssl": boringssl,
}


def options():
    parser = argparse.ArgumentParser(description="Measure carrier beside other programs, in one run.")
    parser.add_argument("--quick", action="store_true", help="small sizes and few runs: to see that all rows work")
    parser.add_argument("--runs", type=int, help="runs of each figure (default 5; quick 2)")
    parser.add_argument("--size", type=int, help="MiB of a transfer from pipe to pipe (default 2048; quick 256)")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--json", metavar="FILE", help="write JSON lines there; - is stdout, in place of the table")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    chosen = parser.parse_args()
    chosen.runs = chosen.runs or (2 if chosen.quick else 5)
    chosen.size = chosen.size or (256 if chosen.quick else 2048)
    return chosen


def main():
    chosen = options()
    with Machine(chosen) as machine:
        table = Table(machine.conditions())
        for name, group in GROUPS.items():
            if not chosen.only or name in chosen.only:
                group.measure(machine, table)
        table.write(json_file=chosen.json, markdown=chosen.markdown)


main()
