"""A place where nobody answers, and a network that says so by ICMP, in each way that it can (RFC 792, RFC 1812).

    unreachable.py server icmp SCHEME     prints an address; each datagram to it is answered by "destination unreachable",
                                          with the next code each time a port is new

Needs the right to raw sockets.
"""

import socket
import struct
import sys
import threading

from interop import run, say

# Net, host, protocol and port unreachable, fragmentation needed, unknown, prohibited.
CODES = (0, 1, 2, 3, 4, 6, 7, 9, 10, 13)


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def unreachable(code, source, target, data):
    """The message about a datagram from source to target."""
    size = 28 + len(data)
    ends = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    header = struct.pack("!BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, socket.IPPROTO_UDP, 0) + ends
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    body = header + struct.pack("!HHHH", source[1], target[1], 8 + len(data), 0) + data
    # The last field is the MTU of the next hop, where the code is about that.
    head = struct.pack("!BBHHH", 3, code, 0, 0, 576)
    return struct.pack("!BBHHH", 3, code, checksum(head + body), 0, 576) + body


def server_icmp(scheme):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    target = silent.getsockname()
    say("%s://%s:%d" % (scheme, *target))
    codes = {}

    def answer():
        while True:
            data, source = silent.recvfrom(65536)
            code = codes.setdefault(source, CODES[len(codes) % len(CODES)])
            raw.sendto(unreachable(code, source, target, data[:512]), (source[0], 0))

    threading.Thread(target=answer, daemon=True).start()
    sys.stdin.readline()


if __name__ == "__main__":
    run(globals())
