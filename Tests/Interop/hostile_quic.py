"""What a hostile peer does to a node that listens on quic://, packet by packet: aioquic without its event loop.

    hostile_quic.py client NAME ADDRESS

Exit 0 where the node did what it must; otherwise what it did instead is on stderr. Where the attack has to stand while
others look at the node, "holding" is printed and a line on stdin ends it.
"""

import sys

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from carrier_peer import *
from interop import expect, run, say

RETRY = 0xF0


class Dialler:
    """A client whose packets go out when they are told to."""

    def __init__(self, target, protocol="carrier/1"):
        configuration = QuicConfiguration(is_client=True, alpn_protocols=[protocol])
        configuration.verify_mode = 0
        self.quic = QuicConnection(configuration=configuration)
        host, self.port, _ = address(target)
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.link.connect((host, self.port))
        self.link.settimeout(2)
        self.quic.connect((host, self.port), now=time.monotonic())

    def datagrams(self):
        return [data for data, _ in self.quic.datagrams_to_send(now=time.monotonic())]

    def send(self):
        return sum(self.link.send(data) for data in self.datagrams())

    def receive(self):
        data = self.link.recv(65536)
        self.quic.receive_datagram(data, ("127.0.0.1", self.port), now=time.monotonic())
        return data

    def error(self):
        """The error code with which the node closes. (aioquic reports it as an event only some time later.)"""
        while self.quic._close_event is None:
            self.receive()
            self.send()
        return self.quic._close_event.error_code


def crowd(target, count):
    """So many handshakes that are begun and never go on."""
    diallers = [Dialler(target) for _ in range(count)]
    for dialler in diallers:
        dialler.send()
    return diallers


def client_stolen_token(target):
    """A token that was made for another address, or altered, gets a refusal and no handshake."""
    waiting = crowd(target, 24)
    victim = Dialler(target)
    victim.send()
    data = victim.receive()
    expect(data[0] & 0xF0 == RETRY, "24 handshakes under way and no retry: %s" % data[:1].hex())
    with_token = victim.datagrams()
    thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    thief.connect(victim.link.getpeername())
    thief.settimeout(2)
    for packet in with_token:
        thief.send(packet)
    answer = thief.recv(65536)
    expect(len(answer) < 100, "a stolen token was answered by %d bytes" % len(answer))
    victim.quic.receive_datagram(answer, ("127.0.0.1", victim.port), now=time.monotonic())
    # aioquic takes the thief's answer for its own.
    end = victim.quic._close_event
    expect(end and end.error_code == 0xB, "no INVALID_TOKEN in the answer to a stolen token: %r" % end)
    # Its owner may use it.
    for packet in with_token:
        victim.link.send(packet)
    expect(len(victim.link.recv(65536)) >= 1000, "its owner's token was not taken")
    del waiting


def client_half_open(target):
    """Handshakes that stay half open: tokens are asked for, and who follows them is let in."""
    diallers = crowd(target, 300)
    kinds = {}
    for dialler in diallers:
        try:
            kind = "retry" if dialler.link.recv(65536)[0] & 0xF0 == RETRY else "answer"
        except socket.timeout:
            kind = "silence"
        kinds[kind] = kinds.get(kind, 0) + 1
    expect(kinds.get("answer", 0) <= 16 and kinds.get("retry", 0) >= 280, "answers by kind: %r" % kinds)
    say("holding")
    sys.stdin.readline()


def client_without_certificate(target):
    """A client that shows no certificate is told so and not let in."""
    dialler = Dialler(target)
    dialler.send()
    expect(dialler.error() == 0x174, "another error than certificate required")


def client_other_alpn(target):
    """A client of another protocol is refused by name."""
    dialler = Dialler(target, "h3")
    dialler.send()
    expect(dialler.error() == 0x178, "another error than no application protocol")


if __name__ == "__main__":
    run(globals())
