#!/usr/bin/env python3
"""One `carrier listen` under load: many idle sessions, and a flood of half-open connections.

    Benchmarks/load.py [--sessions N] [--half-open N] [--seconds S] [CARRIER]

Prints a JSON object a line: handshakes a second, memory and descriptors a session, the node's processor time while idle,
and an honest peer's ping before and meanwhile. The sessions are made by the second implementation of the protocol
(Tests/Interop), which needs Python's `cryptography`.
"""

import argparse
import json
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "Tests", "Interop"))
sys.dont_write_bytecode = True
from carrier_peer import *


def status(pid):
    """Memory in KiB, descriptors, processor seconds."""
    with open("/proc/%d/status" % pid) as file:
        memory = int(next(line for line in file if line.startswith("VmRSS:")).split()[1])
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return memory, len(os.listdir("/proc/%d/fd" % pid)), (int(fields[11]) + int(fields[12])) / ticks


def say(row, **values):
    print(json.dumps({"row": row, **values}), flush=True)


def ping(carrier, target, row):
    output = subprocess.run(
        [carrier, "ping", "--ephemeral", "-q", "--json", "-c", "300", "-i", "10ms", "-W", "5s", target],
        capture_output=True, text=True).stdout
    summary = next((json.loads(line) for line in output.splitlines() if '"summary"' in line), None)
    if summary is None:
        say(row, lost_pct=100)
    else:
        times = summary["rtt_ms"]
        say(row, lost_pct=summary["loss_pct"], p50_ms=times["p50"], p99_ms=times["p99"], max_ms=times["max"])


def handshakes(carrier, target, node, clients=4, each=1000):
    """As many as some diallers can make, side by side on the same processors."""
    before, begun = status(node.pid), time.monotonic()
    dialling = [
        subprocess.Popen(
            [carrier, "ping", "--ephemeral", "-q", "--layer", "handshake", "-c", str(each), "-i", "1ms", target],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(clients)]
    failed = sum(client.wait() != 0 for client in dialling)
    seconds, count = time.monotonic() - begun, clients * each
    say("handshakes", per_s=round(count / seconds), node_cpu_us=round((status(node.pid)[2] - before[2]) / count * 1e6),
        failed_clients=failed)


class Sessions:
    """Many sessions that only answer keepalives."""

    def __init__(self, target, count):
        self.all, self.selector, self.answered = [], selectors.DefaultSelector(), 0
        begun = time.monotonic()
        for _ in range(count):
            session = dial(target, Identity(0, 0))
            self.selector.register(session.link, selectors.EVENT_READ, session)
            self.all.append(session)
        self.seconds = time.monotonic() - begun
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        while True:
            for key, _ in self.selector.select():
                try:
                    key.data.answer(key.data.receive())
                    self.answered += 1
                except (Closed, OSError):
                    self.selector.unregister(key.fileobj)


def flood(target, count, stop):
    """Connects that say nothing: `count` of them open at a time, always new ones."""
    links, made = [], 0
    while not stop.is_set():
        try:
            links.append(connect(target))
            made += 1
        except OSError:
            time.sleep(0.01)
        if len(links) > count:
            links.pop(0).close()
    return made


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--sessions", type=int, default=10_000)
    options.add_argument("--half-open", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("carrier", nargs="?", default=os.path.join(here, "..", ".build", "release", "carrier"))
    options = options.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        ready = os.path.join(folder, "ready")
        node = subprocess.Popen(
            [options.carrier, "listen", "--ephemeral", "-q", "--max-peers", str(options.sessions + 100), "--min-static",
             "0", "--min-dynamic", "0", "--ready-file", ready, "tcp://127.0.0.1:0"], stdout=subprocess.DEVNULL)
        try:
            while not os.path.exists(ready) or not os.path.getsize(ready):
                time.sleep(0.05)
            with open(ready) as file:
                target = file.readline().strip()
            ping(options.carrier, target, "ping, nobody else")
            handshakes(options.carrier, target, node)
            before = status(node.pid)
            sessions = Sessions(target, options.sessions)
            time.sleep(1)
            after = status(node.pid)
            say("idle sessions", sessions=options.sessions, opened_per_s=round(options.sessions / sessions.seconds),
                kib_per_session=round((after[0] - before[0]) / options.sessions, 2), descriptors=after[1])
            ping(options.carrier, target, "ping beside idle sessions")
            begun = status(node.pid)
            time.sleep(options.seconds)
            ended = status(node.pid)
            say("idle", cpu_pct=round((ended[2] - begun[2]) / options.seconds * 100, 2), keepalives=sessions.answered)
            stop = threading.Event()
            thread = threading.Thread(target=flood, args=(target, options.half_open, stop))
            thread.start()
            time.sleep(2)
            ping(options.carrier, target, "ping beside a flood of half-open connections")
            stop.set()
            thread.join()
            last = status(node.pid)
            say("after the flood", kib_more=last[0] - ended[0], descriptors=last[1])
        finally:
            node.terminate()
            node.wait()


main()
