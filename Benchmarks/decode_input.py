"""Writes the inputs of decode.sh: frames of several mixes, and the mixed ones as a recording."""

import random
import struct
import sys

folder, megabytes = sys.argv[1], int(sys.argv[2])
random.seed(1)
noise = random.randbytes(1 << 20)


def frame(opcode, body=b"", flags=0, nonce=0):
    return struct.pack("<IIBBHI", len(body), opcode, flags, 0, 0, nonce) + body


def some(count):
    start = random.randrange(len(noise) - count)
    return noise[start : start + count]


def mixed(n):
    """What a busy node sees: pings, acks, messages of applications, streams."""
    kind = n % 10
    if kind < 2:
        return frame(10 + kind, some(32), 1 + kind, n)
    if kind == 2:
        return frame(18, struct.pack("<I", n))
    if kind < 7:
        return frame(1000, some(random.randrange(100, 2000)), 4, n)
    return frame(1, some(4096))


makers = {
    "mixed": mixed,
    "small": lambda n: frame(10, some(32), 1, n),
    "bulk": lambda n: frame(1, some(32732)),
}


def packet(data):
    data = bytes([1, 0]) + bytes(32) + data
    return struct.pack("<IIII", 0, 0, len(data), len(data)) + data


header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 147)
for name, make in makers.items():
    block = [make(n + 1) for n in range(2000)]
    joined = b"".join(block)
    with open(f"{folder}/{name}.frames", "wb") as output:
        for _ in range(megabytes * 1_000_000 // len(joined) + 1):
            output.write(joined)
    if name == "mixed":
        packets = b"".join(map(packet, block))
        with open(f"{folder}/mixed.pcap", "wb") as output:
            output.write(header)
            for _ in range(megabytes * 1_000_000 // len(packets) + 1):
                output.write(packets)
        with open(f"{folder}/part.pcap", "wb") as output:
            output.write(header + packets * 2)
