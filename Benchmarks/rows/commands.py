"""What a command costs before it does anything, a search for a key on all cores, and a node that waits."""

import json
import os
import subprocess
import time

from .machine import attempt
from .table import at_least, at_most_more


def measure(machine, table):
    start_up(machine, table)
    ping(machine, table)
    keys(machine, table)
    idle(machine, table)


def milliseconds(command):
    """The wall time of a command that has nothing to say to anybody."""
    null = os.open(os.devnull, os.O_RDWR)
    files = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    _, status = os.waitpid(pid, 0)
    took = time.monotonic() - start
    os.close(null)
    return took * 1000 if status == 0 else None


def by_turns(machine, *commands):
    """The times of each command, one after the other, often."""
    times = [[] for _ in commands]
    for _ in range(6 * machine.options.runs):
        for each, command in zip(times, commands):
            each.append(milliseconds(command))
    return times


def start_up(machine, table):
    ours, theirs = by_turns(machine, [machine.carrier, "--help"], ["/bin/true"])
    table.row("carrier --help", "ms", ours, "/bin/true", theirs, at_most_more(15))


def ping(machine, table):
    row = "carrier ping -c 1 to a live node"
    if why := machine.lacking("ncat", "ncat"):
        return table.lacks(row, why)
    node, address = machine.node()
    port = address.rpartition(":")[2].partition("/")[0].partition("?")[0]
    ours, theirs = by_turns(
        machine, [machine.carrier, "ping", "--ephemeral", "-c", "1", address], ["ncat", "-z", "127.0.0.1", port])
    node.stop()
    table.row(row, "ms", ours, "ncat -z", theirs, at_most_more(25))


def keys(machine, table):
    bits = 12 if machine.options.quick else 16
    ours, theirs = [], []
    for run in machine.runs:
        ours.append(attempt("keygen", lambda: search(machine, bits)))
        theirs.append(attempt("OpenSSL", lambda: key_rate(machine)))
    table.row(
        "keygen --static-bits %d, all cores" % bits, "keys/s", ours, "OpenSSL's Ed25519 key generation, all cores",
        theirs, at_least(0.8))


def search(machine, bits):
    record = json.loads(machine.run(
        [machine.carrier, "keygen", "-q", "--json", "--static-bits", str(bits), "--dynamic-bits", "0", "-o",
         machine.path("identity")]))
    return record["tries"] / (record["elapsed_ms"] / 1000)


def key_rate(machine):
    seconds = str(machine.seconds(1))
    each = [
        machine.start([machine.primitives, "keygen", seconds], cores={core}, stdout=subprocess.PIPE)
        for core in machine.cores
    ]
    rates = [float(process.stdout.read()) for process in each]
    for process in each:
        process.wait()
    return sum(rates)


def idle(machine, table):
    sizes = []
    for run in machine.runs:
        node, _ = machine.node()
        time.sleep(1)
        with open("/proc/%d/status" % node.popen.pid) as file:
            sizes.append(next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024)
        node.stop()
    table.row("idle listen, resident memory", "MiB", sizes, bound=16)
