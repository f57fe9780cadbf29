"""Types a command line and a tab in a real shell on a terminal of its own, and prints what stands there then.

    complete.py bash|zsh|fish COMPLETIONS LINE

A shell that needs longer than ten seconds for anything has failed.
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

shell, script, line = sys.argv[1:]
# Numbers that the prompt and the echo of a command cannot be mistaken for.
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


def hear(wanted=None, silence=None, limit=10.0):
    """Reads until the shell has said `wanted`, or has been silent for so long."""
    global said
    end = time.monotonic() + limit
    last = time.monotonic()
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                return
            said += part
            last = time.monotonic()
            # fish asks what the terminal is.
            if b"\x1b[c" in part or b"\x1b[0c" in part:
                os.write(terminal, b"\x1b[?1;2c")
        if wanted and wanted in said:
            return
        if silence and time.monotonic() - last > silence:
            return


hear(silence=1.0)
said = b""
os.write(terminal, f"{start[1]}; printf 're%s\\n' ady\n".encode())
hear(wanted=b"ready\r")
hear(silence=0.5)
said = b""
os.write(terminal, line.encode() + b"\t")
hear(silence=2.0)
text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][0B]?|\x07", "", said.decode(errors="replace"))
print(text.replace("\r", "\n"))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
