"""Bytes from pipe to pipe through two processes, every byte compared."""

import subprocess
import time

from .machine import attempt, free_port, output
from .table import at_least, at_most, note

# What carrier is measured beside, and how much faster it should be.
RIVALS = [("ncat --ssl", 2.5), ("socat OPENSSL", 1.6), ("socat TCP in the clear", 1.1), ("C limit", 0.8)]


def measure(machine, table):
    tools = {"carrier": carrier, "C limit": c_limit}
    if why := machine.lacking("ncat", "ncat"):
        table.lacks("pipe to pipe beside ncat --ssl", why)
    else:
        tools["ncat --ssl"] = ncat
    if why := machine.lacking("socat", "socat"):
        table.lacks("pipe to pipe beside socat", why)
    else:
        tools.update({"socat OPENSSL": socat_tls, "socat TCP in the clear": socat_tcp})
    make_certificate(machine)
    figures = {name: [] for name in tools}
    for run in machine.runs:
        for name, tool in tools.items():
            figures[name].append(attempt(name, lambda: tool(machine)))
    rates, costs = ({name: pick(runs, index) for name, runs in figures.items()} for index in (0, 1))
    for name, wanted in RIVALS:
        if name in tools:
            table.row("pipe to pipe", "MB/s", rates["carrier"], name, rates[name], at_least(wanted))
    for name, wanted in [("socat OPENSSL", 0.7), ("C limit", 1.4)]:
        if name in tools:
            table.row("pipe to pipe, both ends", "CPU s/GiB", costs["carrier"], name, costs[name], at_most(wanted))


def pick(runs, index):
    return [run[index] for run in runs if run]


def transfer(machine, receive, send, is_ready):
    """MB/s and CPU seconds a GiB of one transfer; None when bytes are lost or wrong.

    `is_ready` waits for the receiver, and gives what the sender's command needs to know."""
    size = machine.options.size
    receiver = machine.start(receive, stdout=subprocess.PIPE)
    check = machine.start([machine.limit, "check", str(size)], stdin=receiver.stdout)
    receiver.stdout.close()
    ready = is_ready(receiver)
    source = None
    start = time.monotonic()
    source = machine.start([machine.limit, "source", str(size)], stdout=subprocess.PIPE)
    sender = machine.start(send(ready), stdin=source.stdout)
    source.stdout.close()
    # What counts is whether the bytes arrived, whatever a tool says at its end.
    is_whole = check.wait() == 0
    took = time.monotonic() - start
    for process in (sender, receiver, source):
        process.wait()
    if not is_whole:
        return note("%s: bytes were lost; the run does not count" % receive[0])
    return size * 1.048576 / took, (sender.cpu + receiver.cpu) / (size / 1024)


def carrier(machine, scheme="tcp"):
    ready = machine.path("ready")
    return transfer(
        machine,
        [machine.carrier, "listen", "--ephemeral", "-q", "--pipe", "--ready-file", ready, scheme + "://127.0.0.1:0"],
        lambda address: [machine.carrier, "dial", "--ephemeral", "-q", "--send-only", address],
        lambda receiver: machine.written(ready, receiver))


def c_limit(machine):
    path = machine.path("port")
    return transfer(
        machine, [machine.limit, "listen", path], lambda port: [machine.limit, "dial", port],
        lambda receiver: machine.written(path, receiver))


def ncat(machine):
    port = free_port()
    key, certificate = machine.folder + "/key.pem", machine.folder + "/certificate.pem"
    return transfer(
        machine,
        ["ncat", "--ssl", "--ssl-cert", certificate, "--ssl-key", key, "-l", "127.0.0.1", str(port), "--recv-only"],
        lambda _: ["ncat", "--ssl", "--send-only", "127.0.0.1", str(port)],
        lambda _: machine.listening(port))


def socat_tls(machine):
    port, both = free_port(), machine.folder + "/both.pem"
    return transfer(
        machine,
        ["socat", "-u", "-b", "65536", "OPENSSL-LISTEN:%d,reuseaddr,bind=127.0.0.1,cert=%s,verify=0" % (port, both),
         "STDOUT"],
        lambda _: ["socat", "-u", "-b", "65536", "STDIN", "OPENSSL:127.0.0.1:%d,verify=0" % port],
        lambda _: machine.listening(port))


def socat_tcp(machine):
    port = free_port()
    return transfer(
        machine, ["socat", "-u", "-b", "65536", "TCP-LISTEN:%d,reuseaddr,bind=127.0.0.1" % port, "STDOUT"],
        lambda _: ["socat", "-u", "-b", "65536", "STDIN", "TCP:127.0.0.1:%d" % port],
        lambda _: machine.listening(port))


def make_certificate(machine):
    key, certificate = machine.folder + "/key.pem", machine.folder + "/certificate.pem"
    output(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=bench", "-keyout", key,
         "-out", certificate])
    try:
        with open(machine.folder + "/both.pem", "w") as both:
            for path in (key, certificate):
                with open(path) as part:
                    both.write(part.read())
    except OSError:
        note("no certificate; apt-get install openssl for the rows of TLS")
