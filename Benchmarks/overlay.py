#!/usr/bin/env python3
"""An overlay of real processes on loopback: who finds whom, whom a broadcast reaches, and how that is after a third of
the nodes were killed at once.

    Benchmarks/overlay.py [--nodes 100] [--broadcasts 20] [--kill 30] [--binary .build/release/carrier]

Prints a line of JSON for each step; exits 1 when something was not found or not reached at the end.
"""

import argparse
import concurrent.futures
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time


def note(text):
    print(f"overlay: {text}", file=sys.stderr, flush=True)


class Overlay:
    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.nodes = []
        self.environment = dict(os.environ, XDG_CONFIG_HOME=directory)

    def path(self, index, name):
        return os.path.join(self.directory, f"{index}.{name}")

    def start(self, index, bootstrap):
        subprocess.run(
            [self.binary, "keygen", "-q", "-o", self.path(index, "pem")],
            stdout=subprocess.DEVNULL, check=True, env=self.environment)
        command = [
            self.binary, "listen", "tcp://127.0.0.1:0", "--json", "--identity", self.path(index, "pem"),
            "--ready-file", self.path(index, "ready")]
        for address in bootstrap:
            command += ["--bootstrap", address]
        with open(self.path(index, "events"), "w") as events:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=events, stderr=subprocess.DEVNULL, env=self.environment)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.path(index, "ready")):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"overlay: node {index} did not start")
            time.sleep(0.01)
        with open(self.path(index, "ready")) as ready:
            address = ready.readline().strip()
        self.nodes.append((process, address))
        return address

    def living(self):
        return [index for index, (process, _) in enumerate(self.nodes) if process.poll() is None]

    def peer(self, index):
        return self.nodes[index][1].split("//")[1].split("@")[0]

    def lookups(self, index, wanted):
        """All of `wanted`, looked up by one client that joins through one node."""
        run = subprocess.run(
            [self.binary, "lookup", "-q", "--json", "--ephemeral", "--bootstrap", self.nodes[index][1], "-"],
            input="\n".join(self.peer(other) for other in wanted), capture_output=True, text=True,
            env=self.environment, timeout=300)
        found = set()
        for line in run.stdout.splitlines():
            record = json.loads(line)
            if record["type"] == "found":
                found.add(record["public_key"])
        return sum(self.peer(other) in found for other in wanted)

    def step_lookup(self, name, sources, wanted):
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = sum(pool.map(lambda index: self.lookups(index, wanted), sources))
        elapsed = time.monotonic() - start
        asked = len(sources) * len(wanted)
        print(json.dumps({
            "step": name, "lookups": asked, "found": found, "elapsed_s": round(elapsed, 2),
            "ms_a_lookup": round(elapsed * 1000 * 2 / asked, 2)}), flush=True)
        return found == asked

    def received(self, index, texts):
        with open(self.path(index, "events")) as events:
            seen = [json.loads(line).get("text") for line in events if '"broadcast"' in line]
        return [seen.count(text) for text in texts]

    def step_broadcast(self, name, count):
        living = self.living()
        texts = [f"{name}-{number}" for number in range(count)]
        reports = []
        for text in texts:
            run = subprocess.run(
                [self.binary, "broadcast", "-q", "--json", "--ephemeral", "--bootstrap",
                 self.nodes[random.choice(living)][1], "-"],
                input=text + "\n", capture_output=True, text=True, env=self.environment, timeout=120)
            reports += [json.loads(line) for line in run.stdout.splitlines() if '"sent"' in line]
        time.sleep(3)
        copies = [number for index in living for number in self.received(index, texts)]
        reached = sum(number > 0 for number in copies)
        elapsed = [report["elapsed_ms"] for report in reports if "elapsed_ms" in report]
        print(json.dumps({
            "step": name, "messages": count, "deliveries": reached, "expected": len(living) * count,
            "delivered_twice": sum(number > 1 for number in copies),
            "report_ms_median": round(statistics.median(elapsed), 1) if elapsed else None,
            "depth_most": max((report.get("depth", 0) for report in reports), default=None)}), flush=True)
        return reached == len(living) * count

    def stop(self):
        for process, _ in self.nodes:
            if process.poll() is None:
                process.terminate()
        for process, _ in self.nodes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--broadcasts", type=int, default=20)
    parser.add_argument("--sources", type=int, help="nodes that look all others up; default all")
    parser.add_argument("--kill", type=int, default=30, help="percent")
    parser.add_argument("--binary", default=".build/release/carrier")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        overlay = Overlay(os.path.abspath(options.binary), directory)
        try:
            first = overlay.start(0, [])
            for index in range(1, options.nodes):
                overlay.start(index, [first])
                if index % 20 == 0:
                    note(f"{index} nodes run")
            time.sleep(10)
            everyone = list(range(options.nodes))
            overlay.step_lookup("each finds each", everyone[:options.sources], everyone)
            overlay.step_broadcast("all live", options.broadcasts)
            victims = random.sample(everyone[1:], options.nodes * options.kill // 100)
            for index in victims:
                overlay.nodes[index][0].kill()
            for index in victims:
                overlay.nodes[index][0].wait()
            killed_at = time.monotonic()
            note(f"{len(victims)} nodes were killed")
            living = [index for index in everyone if index not in victims]
            overlay.step_broadcast("just after the kill", 3)
            time.sleep(max(0, 60 - (time.monotonic() - killed_at)))
            found = overlay.step_lookup("a minute after the kill", living[:options.sources], living)
            reached = overlay.step_broadcast("after a minute", options.broadcasts)
            return 0 if found and reached else 1
        finally:
            overlay.stop()


sys.exit(main())
