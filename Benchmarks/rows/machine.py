"""The machine that is measured on: programs, where they run, what they use."""

import json
import os
import platform
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .table import note

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class Failed(Exception):
    """A program did not do what was measured."""


class Process:
    """A program under way; where it may run; the processor time that it used once it has ended."""

    def __init__(self, command, cores=None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, environment=None):
        pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
        self.command, self.cpu, self.status = command, 0.0, None
        self.popen = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, preexec_fn=pin,
            env={**os.environ, **(environment or {})})
        self.stdout = self.popen.stdout

    def has_ended(self):
        if self.status is None:
            pid, status, usage = os.wait4(self.popen.pid, os.WNOHANG)
            if pid:
                self.cpu = usage.ru_utime + usage.ru_stime
                self.status = self.popen.returncode = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, patience=300):
        """Waits for the end; returns the exit status. Asleep: what is measured has the machine."""
        if not self.has_ended():
            end, watch = os.pidfd_open(self.popen.pid), select.poll()
            try:
                watch.register(end, select.POLLIN)
                while not self.has_ended():
                    if not watch.poll(patience * 1000):
                        self.signal(signal.SIGKILL)
            finally:
                os.close(end)
        return self.status

    def signal(self, number):
        # Not by way of the Popen, which would wait for the process and keep what it used to itself.
        if not self.has_ended():
            os.kill(self.popen.pid, number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()


class Machine:
    """What rows share: the options, a folder of their own, and the programs under it, all ended at the end."""

    def __init__(self, options):
        self.options, self.running = options, []
        self.cores = sorted(os.sched_getaffinity(0))
        self.carrier, self.bench, self.simulate = (
            os.path.join(ROOT, ".build", "release", name) for name in ("carrier", "carrier-bench", "carrier-simulate"))

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="carrier-bench-")
        # An identity of the user's is not for measuring.
        os.environ["XDG_CONFIG_HOME"] = self.folder
        self.limit, self.primitives = self.compile("limit"), self.compile("primitives")
        return self

    def __exit__(self, *error):
        for process in self.running:
            process.signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def runs(self):
        return range(self.options.runs)

    def seconds(self, full):
        """How long a figure is measured."""
        return full / 5 if self.options.quick else full

    def conditions(self):
        with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
            congestion = file.read().strip()
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
        return {
            "processor": "%s, %d cores, VAES with AVX-512: %s" % (model, len(self.cores), "yes" if has_vaes() else "no"),
            "system": "Linux %s, %s" % (platform.release(), output(["openssl", "version"]) or "no openssl command"),
            "TCP congestion control": congestion,
            "load at the start": "%.2f" % os.getloadavg()[0],
            "runs": "%d, in turns; %d MiB from pipe to pipe" % (self.options.runs, self.options.size),
            "pinning": "none unless the row says \"one core\": then both processes are on core %d" % self.cores[0],
            "spread": "median (lowest–highest)",
        }

    # Programs

    def compile(self, name, *flags):
        target = os.path.join(self.folder, name)
        source = os.path.join(ROOT, "Benchmarks", name + ".c")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", *flags, "-o", target, source, "-lcrypto"], check=True)
        return target

    def start(self, command, **how):
        process = Process(command, **how)
        self.running.append(process)
        return process

    def run(self, command, patience=300, **how):
        """What a program writes, once it has ended well."""
        process = self.start(command, stdout=subprocess.PIPE, **how)
        text = process.stdout.read().decode()
        if process.wait(patience) != 0:
            raise Failed("%s ended with %d" % (os.path.basename(command[0]), process.status))
        return text

    def lacking(self, tool, package, program=None):
        """What to do about a missing program; None when it is there."""
        if program:
            return None if os.access(program, os.X_OK) else "no %s; run %s" % (tool, package)
        return None if shutil.which(tool) else "no %s; apt-get install %s" % (tool, package)

    # Waiting

    def path(self, name):
        """A file of that name that does not exist."""
        path = os.path.join(self.folder, name)
        if os.path.exists(path):
            os.remove(path)
        return path

    def written(self, path, process):
        """The first line of a file that a program writes when it is ready."""
        for _ in range(2000):
            if os.path.exists(path) and os.path.getsize(path):
                with open(path) as file:
                    return file.readline().strip()
            if process.has_ended():
                break
            time.sleep(0.005)
        raise Failed("%s is not ready" % os.path.basename(process.command[0]))

    def listening(self, port):
        """Waits until somebody listens on a TCP port."""
        wanted = ":%04X" % port
        for _ in range(2000):
            with open("/proc/net/tcp") as file:
                for line in file:
                    fields = line.split()
                    if fields[1].endswith(wanted) and fields[3] == "0A":
                        return
            time.sleep(0.005)
        raise Failed("nobody listens on %d" % port)

    # Servers

    def node(self, *arguments, cores=None, scheme="tcp", environment=None):
        """A listening carrier, and where to dial it."""
        ready = self.path("ready")
        process = self.start(
            [self.carrier, "listen", "--ephemeral", "-q", "--ready-file", ready, *arguments, scheme + "://127.0.0.1:0"],
            cores=cores, environment=environment)
        return process, self.written(ready, process)

    def limit_server(self, mode, cores=None):
        """The C program as a server, and its port."""
        path = self.path("port")
        process = self.start([self.limit, mode, path], cores=cores)
        return process, self.written(path, process)

    def bench_server(self, *flags, cores=None, scheme="tcp", program=None):
        """A carrier-bench that answers, and where it is. It ends with its standard input."""
        process = self.start(
            [program or self.bench, "--serve", "--transport", scheme, *flags], cores=cores, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        return process, process.stdout.readline().decode().strip()

    def asked(self, address, *arguments, cores=None, program=None):
        """The figures of a carrier-bench that asks the one at `address`."""
        text = self.run([program or self.bench, "--json", "--connect", address, *map(str, arguments)], cores=cores)
        return [json.loads(line) for line in text.splitlines()]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def has_vaes():
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return "vaes" in flags and "avx512f" in flags


def output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def attempt(what, body):
    """The figure that `body` measures; None, saying why, when a program fails: one run less counts."""
    try:
        return body()
    except (Failed, OSError, ValueError, KeyError, IndexError) as error:
        note("%s: %s" % (what, error or type(error).__name__))
        return None
