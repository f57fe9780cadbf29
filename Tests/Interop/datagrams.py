"""The datagram transport (section 6) a second time, from the protocol page alone; and what a hostile peer does with it.

    datagrams.py client NAME ADDRESS [ARGUMENT…]      talks to a listening node, or attacks it

Exit 0 where the node did what it must; otherwise what it did instead is on stderr. Where the attack has to stand while
others look at the node, "holding" is printed and a line on stdin ends it.
"""

import random
import sys

from carrier_peer import *
from interop import expect, run, say

INIT, RETRY, RESPONSE, FINAL, DATA = 1, 2, 3, 4, 5
GRACE = 0.5


def endpoint(target, timeout=3):
    """A socket that talks to the node alone."""
    host, port, _ = address(target)
    link = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    link.connect((host, port))
    link.settimeout(timeout)
    return link


def silence(link, within=GRACE):
    """That nothing comes."""
    link.settimeout(within)
    try:
        got = link.recv(65536)
        raise ProtocolError("expected silence, got %r" % got[:40])
    except socket.timeout:
        pass


class Dialler:
    """An initiator, step by step."""

    def __init__(self, target, identity=None, network=1):
        self.identity = identity or Identity()
        self.preface = preface(network)
        self.noise = Noise(self.preface)
        self.message_1 = self.noise.write_1()
        self.number = random.randrange(1, 2**32)
        self.link = endpoint(target)
        self.pinned = address(target)[2]

    def init(self, token=b"", size=1200):
        datagram = u8(INIT) + u32(self.number) + self.preface + bytes_(token) + self.message_1
        return datagram + bytes(max(0, size - len(datagram)))

    def receive(self, kind):
        """The rest of a datagram of this kind to us."""
        reader = Reader(self.link.recv(65536))
        got = reader.u8()
        expect(got == kind, "a datagram of kind %d instead of %d" % (got, kind))
        expect(len(reader.data) <= 1200, "a datagram of %d bytes" % len(reader.data))
        return reader

    def begin(self):
        """Sends the init, and once more with a token where one is asked for; the response."""
        self.link.send(self.init())
        data = self.link.recv(65536)
        if data[0] == RETRY:
            self.link.send(self.init(self.read_retry(Reader(data[1:]))))
            data = self.link.recv(65536)
        expect(data[0] == RESPONSE and len(data) <= 1200, "a datagram of kind %d instead of a response" % data[0])
        return Reader(data[1:])

    def read_retry(self, reader):
        expect(reader.u32() == self.number, "a retry for somebody else")
        token = reader.bytes()
        reader.end()
        return token

    def final(self, reader):
        """Takes the response; the final that answers it."""
        self.theirs = reader.u32()
        expect(reader.u32() == self.number, "a response for somebody else")
        expect(reader.raw(10) == preface(), "another preface")
        hello_2 = Hello(self.noise.read_2(reader.rest()))
        hello_2.check(self.noise.rs, pinned=self.pinned, own=self.identity.public)
        expect(hello_2.observed == "udp://%s:%d" % self.link.getsockname()[:2], "observed " + hello_2.observed)
        self.remote = hello_2
        mine = hello(self.identity, self.noise.static_public, observed="udp://%s:%d" % self.link.getpeername()[:2])
        return u8(FINAL) + u32(self.number) + u32(self.theirs) + self.noise.write_3(mine)

    def session(self):
        return Datagrams(self, *self.noise.split())


class Datagrams:
    """An established session."""

    def __init__(self, dialler, sealer, opener):
        self.link, self.mine, self.theirs = dialler.link, dialler.number, dialler.theirs
        self.sealer, self.opener, self.nonce, self.last = sealer, opener, 0, -1

    def datagram(self, frame):
        counter = self.sealer.counter
        return u8(DATA) + u32(self.theirs) + u64(counter) + self.sealer.seal(frame)

    def send(self, opcode, body=b"", flags=0, nonce=0):
        self.link.send(self.datagram(Session.frame(opcode, body, flags, nonce)))

    def receive(self, link=None):
        """The next frame: (opcode, flags, codec, nonce, body)."""
        reader = Reader((link or self.link).recv(65536))
        expect(len(reader.data) <= 1200, "a datagram of %d bytes" % len(reader.data))
        expect((reader.u8(), reader.u32()) == (DATA, self.mine), "no data for this session: %r" % reader.data[:20])
        counter = reader.u64()
        expect(counter > self.last, "counter %d after %d" % (counter, self.last))
        self.last = counter
        plain = self.opener.aead.decrypt(Cipher.nonce(counter), reader.rest(), b"")
        length, opcode, flags, codec, reserved, nonce = struct.unpack("<IIBBHI", plain[:16])
        expect(len(plain) == 16 + length and reserved == 0, "not one frame in a datagram")
        return opcode, flags, codec, nonce, plain[16:]

    def request(self, opcode, body=b""):
        self.nonce += 1
        self.send(opcode, body, REQUEST, self.nonce)
        return self.reply_to(self.nonce)

    def reply_to(self, nonce, link=None):
        while True:
            frame = self.receive(link)
            if frame[1] & REPLY and frame[3] == nonce:
                return frame

    def ping(self, body=b"hello"):
        opcode, _, _, _, echoed = self.request(PING, body)
        expect((opcode, echoed) == (PONG, body), "no proper pong")


def dial(target, identity=None):
    dialler = Dialler(target, identity)
    dialler.link.send(dialler.final(dialler.begin()))
    session = dialler.session()
    opcode, flags, _, _, body = session.receive()
    expect((opcode, flags & REQUEST, body) == (KEEPALIVE, REQUEST, b""), "the keys are not confirmed by a Keepalive")
    return session


def is_well(target):
    session = dial(target)
    session.ping()
    session.send(DISCONNECT, u16(SHUTDOWN) + string(""))


# --- As it should be ------------------------------------------------------------------------------------------


def client_honest(target):
    """Handshake, pings of every size that fits, an application's message, a good-bye."""
    session = dial(target)
    for size in (0, 1, 100, 1200 - 29 - 16):
        session.ping(os.urandom(size))
    session.nonce += 1
    session.send(1000, b"hello", NEEDS_ACK, session.nonce)
    opcode, _, _, _, body = session.receive()
    expect((opcode, body) == (ACK_RESPONSE, u32(session.nonce)), "no ack")
    session.send(DISCONNECT, u16(SHUTDOWN) + string(""))


def client_repeats(target):
    """Each datagram of the handshake comes three times, as from a network that doubles."""
    dialler = Dialler(target)
    for _ in range(3):
        dialler.link.send(dialler.init())
    answers = [dialler.link.recv(65536) for _ in range(3)]
    expect(len(set(answers)) == 1 and answers[0][0] == RESPONSE, "one init, and not one response")
    final = dialler.final(Reader(answers[0][1:]))
    for _ in range(3):
        dialler.link.send(final)
    session = dialler.session()
    for _ in range(3):
        expect(session.receive()[0] == KEEPALIVE, "a final is not answered by a Keepalive")
    session.ping()


# --- Row 33 ---------------------------------------------------------------------------------------------------


def client_short(target):
    """Inits shorter than 1200 bytes are not answered, whatever is in them."""
    for size in (0, 40, 600, 1199):
        dialler = Dialler(target)
        dialler.link.send(dialler.init(size=size))
        silence(dialler.link)
    is_well(target)


def client_amplification(target, count="2000"):
    """One address, which sends inits and never goes on, is never sent more than it sent."""
    sent = got = 0
    link = endpoint(target, timeout=0.0)
    for index in range(int(count)):
        dialler = Dialler.__new__(Dialler)
        dialler.preface, dialler.number = preface(), index + 1
        dialler.message_1 = os.urandom(32)
        sent += link.send(Dialler.init(dialler))
        try:
            while True:
                got += len(link.recv(65536))
        except BlockingIOError:
            pass
    # Nothing may be sent again by itself either.
    link.settimeout(3)
    try:
        while True:
            got += len(link.recv(65536))
    except socket.timeout:
        pass
    expect(0 < got < sent / 2, "%d bytes for %d" % (got, sent))
    is_well(target)


def client_flood(target, total="10000"):
    """Inits from many addresses, which never go on: answered with tokens, and no state kept for them."""
    kinds = {RETRY: 0, RESPONSE: 0}
    links = [endpoint(target, timeout=0) for _ in range(200)]
    dialler = Dialler(target)
    for index in range(int(total)):
        link = links[index % len(links)]
        dialler.number = index + 1
        link.send(dialler.init())
        try:
            kinds[link.recv(65536)[0]] += 1
        except BlockingIOError:
            pass
        if index % 50 == 0:
            time.sleep(0.002)
    expect(kinds[RETRY] > 5 * kinds[RESPONSE] and kinds[RESPONSE] <= 64, "answers by kind: %r" % kinds)
    say("holding")
    while not select_stdin():
        for link in links[:16]:
            dialler.number = random.randrange(1, 2**32)
            link.send(dialler.init())
        time.sleep(0.01)


def select_stdin():
    import select

    return select.select([sys.stdin], [], [], 0)[0]


def client_stolen_token(target):
    """A token serves only the address that it was made for, and only once its maker still knows it."""
    crowd = [Dialler(target) for _ in range(40)]
    token = None
    for dialler in crowd:
        dialler.link.send(dialler.init())
        data = dialler.link.recv(65536)
        if data[0] == RETRY:
            token = dialler.read_retry(Reader(data[1:]))
            break
    expect(token, "40 handshakes under way and no retry")
    thief = Dialler(target)
    thief.link.send(thief.init(token))
    expect(thief.link.recv(65536)[0] == RETRY, "a stolen token was taken")
    for index in (0, len(token) // 2, len(token) - 1):
        forged = bytearray(token)
        forged[index] ^= 1
        dialler.link.send(dialler.init(bytes(forged)))
        expect(dialler.link.recv(65536)[0] == RETRY, "an altered token was taken")
    dialler.link.send(dialler.init(token))
    dialler.link.send(dialler.final(dialler.receive(RESPONSE)))
    session = dialler.session()
    session.receive()
    session.ping()


def client_replayed(target):
    """Data that is sent again is taken once, and from another address it does not move the session."""
    session = dial(target)
    once = session.datagram(Session.frame(1000, b"only once", NEEDS_ACK, 77))
    session.link.send(once)
    expect(session.receive()[0] == ACK_RESPONSE, "no ack")
    for _ in range(20):
        session.link.send(once)
    elsewhere = endpoint(target)
    for _ in range(20):
        elsewhere.send(once)
    silence(elsewhere)
    silence(session.link)
    session.link.settimeout(3)
    session.ping()
    # Far behind the window, and from the past of it.
    late = session.datagram(Session.frame(1000, b"too late", NEEDS_ACK, 78))
    for _ in range(2048):
        session.sealer.counter += 1
    session.ping()
    session.link.send(late)
    silence(session.link)
    session.link.settimeout(3)
    session.ping()


def client_moves(target):
    """The session goes where its peer's newest datagram comes from."""
    session = dial(target)
    for _ in range(5):
        elsewhere = endpoint(target)
        session.link, before = elsewhere, session.link
        session.ping()
        silence(before, 0.05)


def client_flips(target):
    """One bit flipped in each byte of final and data: dropped in silence, and the right one still counts."""
    dialler = Dialler(target)
    final = dialler.final(dialler.begin())
    for index in range(9, len(final)):
        altered = bytearray(final)
        altered[index] ^= 1 << (index % 8)
        dialler.link.send(bytes(altered))
    silence(dialler.link)
    dialler.link.settimeout(3)
    dialler.link.send(final)
    session = dialler.session()
    session.receive()
    data = session.datagram(Session.frame(PING, b"hello", REQUEST, 5))
    for index in range(len(data)):
        altered = bytearray(data)
        altered[index] ^= 1 << (index % 8)
        session.link.send(bytes(altered))
    silence(session.link)
    session.link.settimeout(3)
    session.link.send(data)
    expect(session.reply_to(5)[4] == b"hello", "the right one did not count")


def client_noise(target, count="20000"):
    """Random bytes, and random bytes behind each kind, are not answered."""
    link = endpoint(target)
    source = random.Random(7)
    for index in range(int(count)):
        data = source.randbytes(source.randrange(0, 1400))
        link.send(bytes([index % 7]) + data)
        if index % 100 == 0:
            time.sleep(0.002)
    silence(link)
    is_well(target)


def client_bad_frames(target):
    """Sealed, and still no frame: the node drops what is malformed and may end the session, but not itself."""
    for body in (
        b"", bytes(15), struct.pack("<IIBBHI", 2**32 - 1, PING, REQUEST, 0, 0, 1),
        struct.pack("<IIBBHI", 5, PING, REQUEST, 0, 0, 1) + bytes(4),
        struct.pack("<IIBBHI", 5, PING, REQUEST, 0, 0, 1) + bytes(6),
        struct.pack("<IIBBHI", 0, PING, 0xF0, 0, 0, 1), struct.pack("<IIBBHI", 0, PING, REQUEST, 9, 0, 1),
        struct.pack("<IIBBHI", 0, 999, 0, 0, 0, 0), Session.frame(LOOKUP_NODE_REQUEST, b"short", REQUEST, 1),
    ):
        session = dial(target)
        session.link.send(session.datagram(body))
    is_well(target)


if __name__ == "__main__":
    run(globals())
