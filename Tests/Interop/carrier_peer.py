"""The carrier wire protocol, version 1, over TCP: a second implementation.

Written from the protocol page alone (man page carrier-wire(7)) so that it can disagree with the Swift one. It is
made for tests: blocking sockets, every step open to be done wrongly on purpose. Needs Python 3.9 and the
`cryptography` package.
"""

import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AGENT = "peer.py/1"
FRAME_LIMIT = 4 << 20
RECORD_LIMIT = 65535
REKEY_INTERVAL = 1 << 20

# Opcodes (section 5).
BYTES = 1
KEEPALIVE, KEEPALIVE_RESPONSE = 2, 3
PROXY_RESPONSE = 9
PING, PONG = 10, 11
LOOKUP_NODE_REQUEST, LOOKUP_NODE_RESPONSE = 12, 13
DISCONNECT = 14
PROXY_REQUEST = 15
METRIC_REQUEST, METRIC_RESPONSE = 16, 17
ACK_RESPONSE = 18
BROADCAST, BROADCAST_REPORT = 19, 20
REACHABILITY_REQUEST, REACHABILITY_RESPONSE = 21, 22
BROADCAST_DIGEST, BROADCAST_WANT = 23, 24

# Frame flags (section 4.4).
REQUEST, REPLY, NEEDS_ACK, END_OF_STREAM = 1, 2, 4, 8

# Disconnect reasons (section 5).
SHUTDOWN, PROTOCOL_ERROR, UNREGISTERED_OPCODE, MESSAGE_TOO_LARGE, IDLE_TIMEOUT = 0, 1, 2, 3, 4
DUPLICATE_CONNECTION, TOO_MANY_CONNECTIONS, NETWORK_MISMATCH, PUZZLE_NOT_SOLVED = 5, 6, 7, 8
RECEIVE_TIMEOUT, SEND_BUFFER_FULL, APPLICATION_CLOSED = 9, 10, 11


class ProtocolError(Exception):
    """The other side did what the page does not allow."""


class Closed(Exception):
    """The stream ended; `inside` says in the middle of what, and is empty at a boundary."""

    def __init__(self, inside=""):
        super().__init__("the stream ended" + (" inside " + inside if inside else ""))
        self.inside = inside


def H(data):
    return hashlib.sha256(data).digest()


def zero_bits(data):
    return 8 * len(data) - int.from_bytes(data, "big").bit_length()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


# --- Fields (section 1) ---------------------------------------------------------------------------------------


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def bytes_(value):
    return u32(len(value)) + value


def string(value):
    return bytes_(value.encode("utf-8"))


def list_(items):
    return u16(len(items)) + b"".join(items)


class Reader:
    """Fields out of bytes; raises ProtocolError with the offset."""

    def __init__(self, data):
        self.data, self.position = bytes(data), 0

    def raw(self, count):
        if count > len(self.data) - self.position:
            raise ProtocolError("%d bytes wanted at offset %d of %d" % (count, self.position, len(self.data)))
        self.position += count
        return self.data[self.position - count : self.position]

    def u8(self):
        return self.raw(1)[0]

    def u16(self):
        return struct.unpack("<H", self.raw(2))[0]

    def u32(self):
        return struct.unpack("<I", self.raw(4))[0]

    def u64(self):
        return struct.unpack("<Q", self.raw(8))[0]

    def bool(self):
        value = self.u8()
        if value > 1:
            raise ProtocolError("a bool of %d at offset %d" % (value, self.position - 1))
        return value == 1

    def bytes(self):
        return self.raw(self.u32())

    def string(self):
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError("a string that is no UTF-8: %s" % error)

    def list(self, item):
        return [item() for _ in range(self.u16())]

    def rest(self):
        return self.raw(len(self.data) - self.position)

    def end(self):
        if self.position != len(self.data):
            raise ProtocolError("%d bytes too many" % (len(self.data) - self.position))


# --- Identity (section 2) -------------------------------------------------------------------------------------


def sign(key, label, data):
    return key.sign(label.encode() + b"\0" + data)


def verify(public, label, data, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, label.encode() + b"\0" + data)
        return True
    except (InvalidSignature, ValueError):
        return False


RECORD_LABEL = "carrier peer record v1"
STATIC_LABEL = "carrier static key v1"
BROADCAST_LABEL = "carrier broadcast v1"


class Identity:
    """A key that solves the static puzzle and a nonce that solves the dynamic one."""

    def __init__(self, static_bits=8, dynamic_bits=8, exactly=False):
        def good(bits, wanted):
            return bits == wanted if exactly else bits >= wanted

        while True:
            self.key = Ed25519PrivateKey.generate()
            self.public = self.key.public_key().public_bytes_raw()
            self.node_id = H(self.public)
            if good(zero_bits(H(self.node_id)), static_bits):
                break
        while True:
            self.nonce = os.urandom(32)
            if good(zero_bits(H(xor(self.node_id, self.nonce))), dynamic_bits):
                break

    def record(self, addresses=(), sequence=None):
        sequence = int(time.time() * 1000) if sequence is None else sequence
        signed = self.public + self.nonce + u64(sequence) + list_([string(a) for a in addresses])
        return signed + sign(self.key, RECORD_LABEL, signed)


class PeerRecord:
    def __init__(self, reader):
        start = reader.position
        self.public = reader.raw(32)
        self.nonce = reader.raw(32)
        self.sequence = reader.u64()
        self.addresses = reader.list(reader.string)
        if len(self.addresses) > 16 or any(len(a.encode()) > 255 for a in self.addresses):
            raise ProtocolError("addresses beyond the limits: %r" % self.addresses)
        self.signed = reader.data[start : reader.position]
        self.signature = reader.raw(64)
        self.node_id = H(self.public)

    def check(self, static_bits=8, dynamic_bits=8):
        if not verify(self.public, RECORD_LABEL, self.signed, self.signature):
            raise ProtocolError("the record's signature is wrong")
        if zero_bits(H(self.node_id)) < static_bits or zero_bits(H(xor(self.node_id, self.nonce))) < dynamic_bits:
            raise ProtocolError("the record's puzzles are not solved")
        return self


class Hello:
    def __init__(self, data):
        reader = Reader(data)
        self.static_signature = reader.raw(64)
        self.record = PeerRecord(reader)
        self.observed = reader.string()
        self.agent = reader.string()
        if len(self.agent.encode()) > 64:
            raise ProtocolError("an agent of more than 64 bytes")
        # What follows belongs to later versions.

    def check(self, static_public, static_bits=8, dynamic_bits=8, pinned=None, own=None):
        self.record.check(0, 0)
        if not verify(self.record.public, STATIC_LABEL, static_public, self.static_signature):
            raise ProtocolError("the static key's signature is wrong")
        self.record.check(static_bits, dynamic_bits)
        if pinned is not None and pinned != self.record.public:
            raise ProtocolError("another peer than the pinned one")
        if own is not None and own == self.record.public:
            raise ProtocolError("the peer is ourselves")
        return self


def hello(identity, static_public, observed="tcp://127.0.0.1:1", agent=AGENT, addresses=(), **changes):
    """A Hello; `changes` replace its parts: static_signature, record, more."""
    signature = changes.get("static_signature", sign(identity.key, STATIC_LABEL, static_public))
    record = changes["record"] if "record" in changes else identity.record(addresses)
    return signature + record + string(observed) + string(agent) + changes.get("more", b"")


# --- Noise (section 4.2; the Noise Protocol Framework, revision 34) -------------------------------------------


class Cipher:
    """Noise's CipherState with the rekeying of section 4.3."""

    def __init__(self, key):
        self.key, self.counter, self.aead = key, 0, AESGCM(key)

    @staticmethod
    def nonce(counter):
        return b"\0\0\0\0" + struct.pack(">Q", counter)

    def seal(self, plaintext, data=b""):
        sealed = self.aead.encrypt(self.nonce(self.counter), plaintext, data)
        self.counter += 1
        return sealed

    def open(self, sealed, data=b""):
        plaintext = self.aead.decrypt(self.nonce(self.counter), sealed, data)
        self.counter += 1
        return plaintext

    def rekey(self):
        self.key = self.aead.encrypt(self.nonce(2**64 - 1), bytes(32), b"")[:32]
        self.aead = AESGCM(self.key)

    def after_record(self):
        if self.counter % REKEY_INTERVAL == 0:
            self.rekey()


def dh(private, public):
    """X25519 as it is in the RFC: a point of low order gives zeros, which `cryptography` refuses."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return bytes(32)


class Noise:
    """Noise_XX_25519_AESGCM_SHA256, one side of it."""

    def __init__(self, prologue, static=None):
        name = b"Noise_XX_25519_AESGCM_SHA256"
        self.h = self.ck = name + bytes(32 - len(name))
        self.cipher = None
        self.s = static or X25519PrivateKey.generate()
        self.e = X25519PrivateKey.generate()
        self.rs = self.re = None
        self.mix_hash(prologue)

    @property
    def static_public(self):
        return self.s.public_key().public_bytes_raw()

    @property
    def ephemeral_public(self):
        return self.e.public_key().public_bytes_raw()

    def mix_hash(self, data):
        self.h = H(self.h + data)

    def hkdf(self, material):
        secret = hmac.digest(self.ck, material, "sha256")
        first = hmac.digest(secret, b"\x01", "sha256")
        return first, hmac.digest(secret, first + b"\x02", "sha256")

    def mix_key(self, material):
        self.ck, key = self.hkdf(material)
        self.cipher = Cipher(key)

    def encrypt(self, plaintext):
        sealed = self.cipher.seal(plaintext, self.h) if self.cipher else plaintext
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed):
        plaintext = self.cipher.open(sealed, self.h) if self.cipher else sealed
        self.mix_hash(sealed)
        return plaintext

    # The three messages. `ephemeral` and `static` stand in for the keys on the wire, to send bad ones.

    def write_1(self, payload=b"", ephemeral=None):
        ephemeral = ephemeral or self.ephemeral_public
        self.mix_hash(ephemeral)
        return ephemeral + self.encrypt(payload)

    def read_1(self, message):
        self.re = message[:32]
        self.mix_hash(self.re)
        return self.decrypt(message[32:])

    def write_2(self, payload, ephemeral=None, static=None):
        ephemeral = ephemeral or self.ephemeral_public
        self.mix_hash(ephemeral)
        self.mix_key(dh(self.e, self.re))
        sealed = self.encrypt(static or self.static_public)
        self.mix_key(bytes(32) if static else dh(self.s, self.re))
        return ephemeral + sealed + self.encrypt(payload)

    def read_2(self, message):
        if len(message) < 32 + 48 + 16:
            raise ProtocolError("handshake message 2 is too short")
        self.re = message[:32]
        self.mix_hash(self.re)
        self.mix_key(dh(self.e, self.re))
        self.rs = self.decrypt(message[32:80])
        self.mix_key(dh(self.e, self.rs))
        return self.decrypt(message[80:])

    def write_3(self, payload, static=None):
        sealed = self.encrypt(static or self.static_public)
        self.mix_key(bytes(32) if static else dh(self.s, self.re))
        return sealed + self.encrypt(payload)

    def read_3(self, message):
        if len(message) < 48 + 16:
            raise ProtocolError("handshake message 3 is too short")
        self.rs = self.decrypt(message[:48])
        self.mix_key(dh(self.e, self.rs))
        return self.decrypt(message[48:])

    def split(self):
        """The cipher of the initiator's direction and that of the responder's."""
        first, second = self.hkdf(b"")
        return Cipher(first), Cipher(second)


# --- Link: sockets and the pieces of the handshake (sections 4.1, 4.2) ----------------------------------------


def preface(network=1, version=1, flags=0, magic=b"CARR"):
    return magic + u8(version) + u8(flags) + u32(network)


def address(text):
    """HOST and PORT of `SCHEME://[ID@]HOST:PORT`, and the id or None."""
    scheme, rest = text.split("://")
    assert scheme in ("tcp", "udp", "quic"), text
    identity, _, place = rest.rpartition("@")
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port), bytes.fromhex(identity) if identity else None


def connect(text, timeout=10):
    host, port, _ = address(text)
    link = socket.create_connection((host, port), timeout=timeout)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def listen(host="127.0.0.1", backlog=64):
    """A listening socket on a free port."""
    server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    server.bind((host, 0))
    server.listen(backlog)
    server.settimeout(20)
    return server


def place(link_address):
    host, port = link_address[:2]
    return "tcp://[%s]:%d" % (host, port) if ":" in host else "tcp://%s:%d" % (host, port)


def receive(link, count, inside=""):
    """Exactly `count` bytes; `inside` names what an end before the first byte interrupts."""
    data = bytearray()
    while len(data) < count:
        try:
            piece = link.recv(count - len(data))
        except ConnectionResetError:
            raise Closed("reset")
        if not piece:
            raise Closed("%s (%d of %d bytes)" % (inside or "bytes", len(data), count) if data else inside)
        data += piece
    return bytes(data)


def receive_preface(link):
    """The other side's version and network."""
    data = receive(link, 10)
    if data[:4] != b"CARR":
        raise ProtocolError("no carrier preface: %r" % data)
    return data[4], struct.unpack("<I", data[6:])[0]


def framed(message):
    return u16(len(message)) + message


def receive_message(link):
    length = struct.unpack("<H", receive(link, 2, "the handshake"))[0]
    return receive(link, length, "the handshake")


class Session:
    """An established session: frames in, frames out."""

    def __init__(self, link, sealer, opener, remote, identity):
        self.link, self.sealer, self.opener = link, sealer, opener
        self.remote, self.identity = remote, identity
        self.plain = bytearray()
        self.nonce = 0
        self.records_received = 0

    # Records (section 4.3).

    def record(self, plaintext):
        """The bytes of one sealed record."""
        sealed = self.sealer.seal(plaintext)
        self.sealer.after_record()
        return u16(len(sealed)) + sealed

    def send_plain(self, plaintext, size=RECORD_LIMIT - 16):
        self.link.sendall(
            b"".join(self.record(plaintext[start : start + size]) for start in range(0, len(plaintext), size)))

    def receive_record(self):
        length = struct.unpack("<H", receive(self.link, 2, "a frame" if self.plain else ""))[0]
        if length < 16:
            raise ProtocolError("a record of %d bytes" % length)
        plaintext = self.opener.open(receive(self.link, length, "a record"))
        self.opener.after_record()
        self.records_received += 1
        self.plain += plaintext

    # Frames (section 4.4).

    @staticmethod
    def frame(opcode, body=b"", flags=0, nonce=0, codec=0, reserved=0, length=None):
        length = len(body) if length is None else length
        return struct.pack("<IIBBHI", length, opcode, flags, codec, reserved, nonce) + body

    def next_nonce(self):
        self.nonce = self.nonce % (2**32 - 1) + 1
        return self.nonce

    def send(self, opcode, body=b"", flags=0, nonce=0, codec=0):
        self.send_plain(self.frame(opcode, body, flags, nonce, codec))

    def receive(self):
        """The next frame: (opcode, flags, codec, nonce, body)."""
        while len(self.plain) < 16:
            self.receive_record()
        length, opcode, flags, codec, reserved, nonce = struct.unpack("<IIBBHI", self.plain[:16])
        if length > FRAME_LIMIT or flags & ~0x0F or codec > 2 or reserved:
            raise ProtocolError("frame header %s" % self.plain[:16].hex())
        while len(self.plain) < 16 + length:
            self.receive_record()
        body = bytes(self.plain[16 : 16 + length])
        del self.plain[: 16 + length]
        return opcode, flags, codec, nonce, body

    def request(self, opcode, body=b"", flags=0):
        """Sends a request and returns its reply; answers what comes in between as a peer should."""
        nonce = self.next_nonce()
        self.send(opcode, body, REQUEST | flags, nonce)
        return self.reply_to(nonce)

    def reply_to(self, nonce):
        while True:
            frame = self.receive()
            if frame[1] & REPLY and frame[3] == nonce:
                return frame
            self.answer(frame)

    def answer(self, frame):
        """What every peer answers; anything else is handed back."""
        opcode, flags, _, nonce, body = frame
        if opcode == KEEPALIVE and flags & REQUEST:
            self.send(KEEPALIVE_RESPONSE, b"", REPLY, nonce)
        elif opcode == PING and flags & REQUEST:
            self.send(PONG, body, REPLY, nonce)
        elif opcode == METRIC_REQUEST and flags & REQUEST:
            reader = Reader(body)
            sent_at, data = reader.u64(), reader.bytes()
            reader.end()
            self.send(METRIC_RESPONSE, u64(sent_at) + bytes_(data), REPLY, nonce)
        else:
            return frame
        return None

    def next(self):
        """The next frame that is not for `answer`."""
        while True:
            frame = self.answer(self.receive())
            if frame:
                return frame

    # Messages (section 5).

    def ping(self, body=b"hello"):
        opcode, flags, codec, _, echoed = self.request(PING, body)
        if (opcode, flags, codec, echoed) != (PONG, REPLY, 0, body):
            raise ProtocolError("no proper pong: %r" % ((opcode, flags, codec, echoed[:40]),))

    def keepalive(self):
        opcode, flags, _, _, body = self.request(KEEPALIVE)
        if (opcode, flags, body) != (KEEPALIVE_RESPONSE, REPLY, b""):
            raise ProtocolError("no proper keepalive response: %r" % ((opcode, flags, body),))

    def metric(self, data=b"probe"):
        sent_at = time.monotonic_ns()
        opcode, flags, _, _, body = self.request(METRIC_REQUEST, u64(sent_at) + bytes_(data))
        if (opcode, flags, body) != (METRIC_RESPONSE, REPLY, u64(sent_at) + bytes_(data)):
            raise ProtocolError("no proper metric response: %r" % ((opcode, flags, body),))

    def lookup(self, target, count=20):
        opcode, flags, _, _, body = self.request(LOOKUP_NODE_REQUEST, target + u8(count))
        if (opcode, flags) != (LOOKUP_NODE_RESPONSE, REPLY):
            raise ProtocolError("no proper lookup response: %r" % ((opcode, flags, body),))
        reader = Reader(body)
        records = reader.list(lambda: PeerRecord(reader).check())
        reader.end()
        distances = [xor(record.node_id, target) for record in records]
        if len(records) > min(count, 20) or distances != sorted(distances):
            raise ProtocolError("lookup answer too long or out of order")
        return records

    def disconnect(self, reason=SHUTDOWN, text=""):
        self.send(DISCONNECT, u16(reason) + string(text))
        self.link.close()

    def until_disconnect(self):
        """The reason and text of the Disconnect that must come, other frames answered or passed over; then the end."""
        while True:
            opcode, _, _, _, body = self.next()
            if opcode == DISCONNECT:
                reader = Reader(body)
                reason, text = reader.u16(), reader.string()
                reader.end()
                return reason, text

    def close(self):
        self.link.close()


def dial(text, identity=None, network=1, timeout=10, static_bits=8, dynamic_bits=8, link=None, **changes):
    """Connects and shakes hands as initiator; `changes` go to `hello`."""
    identity = identity or Identity()
    link = link or connect(text, timeout)
    pinned = address(text)[2]
    ours = preface(network)
    noise = Noise(ours)
    link.sendall(ours + framed(noise.write_1()))
    version, theirs = receive_preface(link)
    if (version, theirs) != (1, network):
        raise ProtocolError("the other side speaks version %d, network %d" % (version, theirs))
    remote = Hello(noise.read_2(receive_message(link)))
    remote.check(noise.rs, static_bits, dynamic_bits, pinned, identity.public)
    changes.setdefault("observed", place(link.getpeername()))
    link.sendall(framed(noise.write_3(hello(identity, noise.static_public, **changes))))
    sealer, opener = noise.split()
    return Session(link, sealer, opener, remote, identity)


def accept(server, identity, network=1, static_bits=8, dynamic_bits=8, timeout=10, link=None, **changes):
    """Accepts and shakes hands as responder; `changes` go to `hello`."""
    link = link or server.accept()[0]
    link.settimeout(timeout)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    theirs = receive(link, 10)
    if theirs[:4] != b"CARR":
        link.close()
        raise ProtocolError("no carrier preface: %r" % theirs)
    if theirs[4] != 1 or theirs[6:] != u32(network):
        link.sendall(preface(network))
        link.close()
        raise ProtocolError("other version or network: %r" % theirs)
    noise = Noise(theirs)
    if noise.read_1(receive_message(link)) != b"":
        raise ProtocolError("message 1 has a payload")
    changes.setdefault("observed", place(link.getpeername()))
    link.sendall(preface(network) + framed(noise.write_2(hello(identity, noise.static_public, **changes))))
    remote = Hello(noise.read_3(receive_message(link)))
    opener, sealer = noise.split()
    session = Session(link, sealer, opener, remote, identity)
    remote.check(noise.rs, static_bits, dynamic_bits, None, identity.public)
    return session


# --- Broadcast (section 5.1) ----------------------------------------------------------------------------------


class Broadcast:
    def __init__(self, origin, sequence, opcode, codec, body, signature=None, height=0, hops=0, wants_report=False):
        self.origin, self.sequence, self.opcode, self.codec, self.body = origin, sequence, opcode, codec, body
        self.signature, self.height, self.hops, self.wants_report = signature, height, hops, wants_report

    @classmethod
    def make(cls, identity, opcode, body, codec=0, sequence=None, **hop):
        message = cls(
            identity.public, int(time.time() * 1e6) if sequence is None else sequence, opcode, codec, body, **hop)
        if message.signature is None:
            message.signature = sign(identity.key, BROADCAST_LABEL, message.signed)
        return message

    @classmethod
    def read(cls, data):
        reader = Reader(data)
        message = cls(
            reader.raw(32), reader.u64(), reader.u32(), reader.u8(), reader.bytes(), reader.raw(64), reader.u16(),
            reader.u16(), reader.bool())
        reader.end()
        return message

    @property
    def signed(self):
        return self.origin + u64(self.sequence) + u32(self.opcode) + u8(self.codec) + bytes_(self.body)

    @property
    def id(self):
        return H(self.origin + u64(self.sequence))[:16]

    def is_genuine(self):
        return verify(self.origin, BROADCAST_LABEL, self.signed, self.signature)

    def encode(self):
        return self.signed + self.signature + u16(self.height) + u16(self.hops) + u8(self.wants_report)
