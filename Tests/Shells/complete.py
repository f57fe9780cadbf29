"""Types command lines and a tab behind each in a real shell on a terminal of its own, and waits for what shall come of it.

    complete.py bash|zsh|fish COMPLETIONS LINE EXPECTED [LINE EXPECTED]...

Exits 1 and prints what came instead where nothing expected comes within ten seconds.
"""
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from fcntl import ioctl

shell, script, *pairs = sys.argv[1:]
start = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f"bind 'set enable-bracketed-paste off'; source {script}"),
    "zsh": (["zsh", "-f", "-i"], f"unset zle_bracketed_paste; autoload -Uz compinit; compinit -u; source {script}"),
    "fish": (["fish", "--no-config", "-i"], f"source {script}"),
}[shell]

child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM="xterm" if shell == "fish" else "dumb", PS1="> ")
    os.execvp(start[0][0], start[0])
ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
said = b""


def plain():
    """What the shell has said, without the terminal's own codes and without line breaks."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][0B]?|[\x07\x08]", "", said.decode(errors="replace"))
    return text.replace("\r", "").replace("\n", "")


def hear(wanted=None, silence=None, limit=10.0):
    """Reads until the shell has said `wanted`, or nothing for so long; whether it has said `wanted`."""
    global said
    last = time.monotonic()
    end = last + limit
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            said += part
            last = time.monotonic()
            # fish asks what the terminal is.
            if b"\x1b[c" in part or b"\x1b[0c" in part:
                os.write(terminal, b"\x1b[?1;2c")
        if wanted and wanted in plain():
            return True
        if silence and time.monotonic() - last > silence:
            break
    return False


failed = False
hear(silence=1.0)
said = b""
# What the shell echoes of this is not the word that it prints.
os.write(terminal, f"{start[1]}; printf 're%s\\n' ady\n".encode())
hear(wanted="ready")
hear(silence=0.5)
for line, expected in zip(pairs[::2], pairs[1::2]):
    said = b""
    os.write(terminal, line.encode() + b"\t")
    if not hear(wanted=expected):
        print(f"{shell}: {line}: expected {expected!r}, got {plain()!r}")
        failed = True
    # What else is said, and an empty line again.
    hear(silence=0.3, limit=2.0)
    os.write(terminal, b"\x05\x15")
    hear(silence=0.3, limit=2.0)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
sys.exit(1 if failed else 0)
