"""A carrier peer over QUIC that shares no code with carrier: aioquic, written from carrier-wire(7) alone.

    aioquic_peer.py client PORT           dials, pings, sends 200 000 bytes through an echo; prints "ok ID"
    aioquic_peer.py nobody PORT           dials without a certificate; prints the error code of the refusal
    aioquic_peer.py server                prints "port N ID", serves one session: answers pings; prints "ok ID" at its end
"""

import asyncio
import datetime
import os
import struct
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamDataReceived
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

PREFACE = b"CARR" + struct.pack("<BBI", 1, 0, 1)
BYTES, KEEPALIVE, PING, PONG, DISCONNECT = 1, 2, 10, 11, 14
REQUEST, REPLY, END = 1, 2, 8

key = ed25519.Ed25519PrivateKey.generate()
public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def certificate():
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "interop")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, None))


def string(data):
    return struct.pack("<I", len(data)) + data


def hello():
    fields = public + bytes(32) + struct.pack("<QH", 1, 0)
    record = fields + key.sign(b"carrier peer record v1\0" + fields)
    body = bytes(64) + record + string(b"quic://127.0.0.1:1") + string(b"interop/1")
    return struct.pack("<H", len(body)) + body


def frame(opcode, body=b"", flags=0, nonce=0):
    return struct.pack("<IIBBHI", len(body), opcode, flags, 0, 0, nonce) + body


class Stream:
    """The bytes of the one stream, put together."""

    def __init__(self):
        self.buffer = bytearray()
        self.changed = asyncio.Event()
        self.ended = None

    def feed(self, data):
        self.buffer += data
        self.changed.set()

    async def take(self, count):
        while len(self.buffer) < count:
            if self.ended is not None:
                raise EOFError(self.ended)
            self.changed.clear()
            await self.changed.wait()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def greeting(self):
        """The other side's preface and Hello; its key."""
        assert await self.take(10) == PREFACE
        (length,) = struct.unpack("<H", await self.take(2))
        body = await self.take(length)
        assert body[:64] == bytes(64), "the static key signature must be zero"
        theirs, fields = body[64:96], body[64:]
        count = struct.unpack_from("<H", fields, 72)[0]
        end = 74
        for _ in range(count):
            end += 4 + struct.unpack_from("<I", fields, end)[0]
        ed25519.Ed25519PublicKey.from_public_bytes(theirs).verify(
            fields[end:end + 64], b"carrier peer record v1\0" + fields[:end])
        return theirs

    async def frame(self):
        length, opcode, flags, _, _, nonce = struct.unpack("<IIBBHI", await self.take(16))
        return opcode, flags, nonce, await self.take(length)


class Peer(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stream = Stream()
        self.id = None

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            first = self.id is None
            self.id = event.stream_id
            self.stream.feed(event.data)
            if first and not self._quic.configuration.is_client:
                asyncio.ensure_future(self.serve())
        elif isinstance(event, ConnectionTerminated):
            self.stream.ended = event.error_code
            self.stream.changed.set()

    def say(self, data, end=False):
        self._quic.send_stream_data(self.id, data, end)
        self.transmit()

    def certificate_key(self):
        return self._quic.tls._peer_certificate.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    async def serve(self):
        theirs = await self.stream.greeting()
        assert theirs == self.certificate_key(), "the record must be the certificate's"
        self.say(PREFACE + hello())
        try:
            while True:
                opcode, flags, nonce, body = await self.stream.frame()
                if opcode == PING:
                    self.say(frame(PONG, body, REPLY, nonce))
                elif opcode == KEEPALIVE:
                    self.say(frame(3, b"", REPLY, nonce))
                elif opcode == DISCONNECT:
                    self.say(b"", True)
                    break
        except EOFError:
            pass
        done.set_result(theirs.hex())


def configuration(is_client, with_certificate=True):
    config = QuicConfiguration(is_client=is_client, alpn_protocols=["carrier/1"])
    config.verify_mode = 0
    if with_certificate:
        config.certificate = certificate()
        config.private_key = key
    return config


async def client(port, with_certificate):
    async with connect(
            "127.0.0.1", port, configuration=configuration(True, with_certificate), create_protocol=Peer) as peer:
        peer.id = peer._quic.get_next_available_stream_id()
        if not with_certificate:
            try:
                await peer.stream.take(1)
            except EOFError as error:
                print(hex(error.args[0]))
            return
        peer.say(PREFACE + hello())
        theirs = await peer.stream.greeting()
        assert theirs == peer.certificate_key(), "the record must be the certificate's"
        peer.say(frame(PING, b"interop", REQUEST, 1))
        assert await peer.stream.frame() == (PONG, REPLY, 1, b"interop")
        data = os.urandom(200_000)
        for start in range(0, len(data), 50_000):
            part = data[start:start + 50_000]
            peer.say(frame(BYTES, part, END if start + len(part) == len(data) else 0))
        back = b""
        while True:
            opcode, flags, _, body = await peer.stream.frame()
            assert opcode == BYTES
            back += body
            if flags & END:
                break
        assert back == data, "the echo differs"
        peer.say(frame(DISCONNECT, struct.pack("<H", 0) + string(b"")), True)
        await asyncio.sleep(0.1)
        print("ok", theirs.hex(), flush=True)


async def server():
    global done
    done = asyncio.get_running_loop().create_future()
    # aioquic asks for a client's certificate only by this inner switch.
    from aioquic import tls
    original = tls.Context.__init__

    def asking(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self._request_client_certificate = True

    tls.Context.__init__ = asking
    running = await serve("127.0.0.1", 0, configuration=configuration(False), create_protocol=Peer)
    port = running._transport.get_extra_info("sockname")[1]
    print("port", port, public.hex(), flush=True)
    theirs = await asyncio.wait_for(done, 20)
    await asyncio.sleep(0.1)
    print("ok", theirs, flush=True)
    running.close()


if sys.argv[1] == "server":
    asyncio.run(server())
else:
    asyncio.run(asyncio.wait_for(client(int(sys.argv[2]), sys.argv[1] == "client"), 20))
