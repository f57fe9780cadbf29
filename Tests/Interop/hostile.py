"""What a hostile or broken peer does to a carrier node.

    hostile.py client NAME ADDRESS [ARGUMENT…]      attacks a listening node
    hostile.py server NAME [ARGUMENT…]              prints its address and treats badly whoever dials it

Exit 0 where the node did what it must; otherwise what it did instead is on stderr. Where the attack has to stand while
others look at the node, "holding" is printed and a line on stdin ends it.
"""

import random
import select
import sys
import threading

from carrier_peer import *
from interop import expect, run, say, serve

GRACE = 3


def ends(link, within=GRACE, silent=False):
    """That the node closes; what it sent before is returned."""
    link.settimeout(within)
    got = bytearray()
    while True:
        try:
            piece = link.recv(65536)
        except ConnectionError:
            break
        except socket.timeout:
            raise ProtocolError("still open after %.1f s, having sent %r" % (within, bytes(got[:40])))
        if not piece:
            break
        got += piece
    link.close()
    expect(not (silent and got), "it answered %r" % bytes(got[:40]))
    return bytes(got)


def ends_with(session, *reasons, within=GRACE):
    """That the node says one of `reasons` and closes."""
    session.link.settimeout(within)
    try:
        reason, text = session.until_disconnect()
    except Closed as closed:
        raise ProtocolError("closed (%s) without a Disconnect; expected one of %r" % (closed, reasons))
    except socket.timeout:
        raise ProtocolError("no Disconnect within %s s" % within)
    expect(reason in reasons, "Disconnect(%d, %r) instead of %r" % (reason, text, reasons))
    ends(session.link)
    return text


def is_well(target, identity=None):
    """That an honest peer gets in and is answered."""
    session = dial(target, identity)
    session.ping()
    session.disconnect()


def hold():
    say("holding")
    sys.stdin.readline()


# --- Before and in the handshake ------------------------------------------------------------------------------


def client_silent(target, total="10000", kept="400"):
    """Row 1. Connects that send nothing; the last ones are kept open and more keep coming."""
    links, stop = [], threading.Event()

    def one():
        try:
            links.append(connect(target))
            while len(links) > int(kept):
                links.pop(0).close()
        except OSError:
            time.sleep(0.01)

    for _ in range(int(total)):
        one()

    def trickle():
        while not stop.wait(0.005):
            one()

    thread = threading.Thread(target=trickle)
    thread.start()
    hold()
    stop.set()
    thread.join()
    for link in links:
        ends(link, within=12, silent=True)


def client_dribble(target):
    """Row 2. A handshake and, beside it, a frame that come a byte every half second: they end by 5 s and 10 s."""
    begun = time.monotonic()
    link = connect(target)
    session = dial(target)
    piece = session.record(session.frame(PING, bytes(100), REQUEST, 1))
    slow = preface() + framed(Noise(preface()).write_1())
    session.link.send(piece[:1])
    ended = {}
    for index in range(40):
        for name, end, data in (("handshake", link, slow), ("frame", session.link, piece[1:])):
            if name in ended:
                continue
            try:
                end.send(data[index : index + 1])
                end.setblocking(False)
                got = end.recv(65536)
                if not got or name == "frame":
                    ended[name] = (time.monotonic() - begun, got)
            except BlockingIOError:
                pass
            except ConnectionError:
                ended[name] = (time.monotonic() - begun, b"")
            finally:
                end.setblocking(True)
        if len(ended) == 2:
            break
        time.sleep(0.5)
    for name in ("handshake", "frame"):
        expect(name in ended, "the dribbled %s is still open after 20 s" % name)
        expect(9 < ended[name][0] < 13, "the dribbled %s ended after %.1f s" % (name, ended[name][0]))
    record = Reader(ended["frame"][1])
    plain = Reader(session.opener.open(record.raw(record.u16())))
    plain.u32()
    expect(plain.u32() == DISCONNECT, "no Disconnect for the dribbled frame")
    plain.raw(8)
    expect(plain.u16() == RECEIVE_TIMEOUT, "another reason than receiveTimeout")


def client_churn(target, source):
    """Row 3. Connections from one address that is not loopback: 16 at once, then few."""
    taken = 0
    for _ in range(60):
        link = socket.create_connection(address(target)[:2], timeout=3, source_address=(source, 0))
        try:
            dial(target, link=link, identity=SHARED).close()
            taken += 1
        except (Closed, OSError):
            link.close()
    say("taken %d" % taken)
    expect(8 <= taken <= 20, "%d of 60 connections were taken" % taken)


SHARED = Identity()


def client_strangers(target):
    """Row 4. First bytes of other protocols: no answer, the connection ends."""
    tls = bytes.fromhex("16030100c8010000c40303") + os.urandom(192)
    first = [
        tls, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", bytes(4096), os.urandom(4096),
        b"CARS" + bytes(60), b"carr\x01\x00" + bytes(60), b"\xff" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    for data in first:
        link = connect(target)
        link.sendall(data)
        ends(link, silent=True)
    rest = [connect(target) for _ in range(20)]
    for link in rest:
        link.sendall(random.randbytes(1 << 16)) if not sends(link, random.randbytes(1 << 16)) else None
    for link in rest:
        ends(link, silent=True)
    # A right preface, and nonsense behind it.
    for length in (0, 1, 31, 33, 96, 4096, 4097, 65535):
        link = connect(target)
        sends(link, preface() + u16(length) + os.urandom(length))
        got = ends(link)
        expect(len(got) <= 10, "a message of %d bytes was answered with %d" % (length, len(got)))
    is_well(target)


def sends(link, data):
    """Whether all could be written; a node that closes first is right."""
    try:
        link.sendall(data)
        return True
    except ConnectionError:
        return True


def client_descriptors(target):
    """Row 36. Sessions, each of another peer, until the node has no descriptor left; then all end."""
    taken, waiting = [], []
    for _ in range(60):
        link = connect(target, timeout=0.7)
        try:
            taken.append(dial(target, link=link))
        except (Closed, OSError):
            waiting.append(link)
        if len(waiting) > 3:
            break
    expect(taken and waiting, "%d sessions, and no end of them" % len(taken))
    hold()
    for session in taken:
        session.close()
    for link in waiting:
        link.close()


class Recorder:
    """A socket that keeps what was sent."""

    def __init__(self, link):
        self.link, self.sent = link, bytearray()

    def sendall(self, data):
        self.sent += data
        self.link.sendall(data)

    def __getattr__(self, name):
        return getattr(self.link, name)


def client_replay(target):
    """Row 5. What one session sent, sent again, whole and message by message: it fails and delivers nothing."""
    recorder = Recorder(connect(target))
    session = dial(target, link=recorder)
    session.send(1000, b"only once")
    session.ping()
    session.disconnect()
    for piece in (1 << 20, 1):
        link = connect(target)
        if piece == 1:
            link.sendall(recorder.sent[:44])
            receive_preface(link)
            receive_message(link)
            sends(link, bytes(recorder.sent[44:]))
        else:
            sends(link, bytes(recorder.sent))
        ends(link)


LOW_ORDER = [
    bytes(32), u8(1) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("0000000000000000000000000000000000000000000000000000000000000080"),
]


class Handshake:
    """A handshake as initiator whose bytes the caller may alter."""

    def __init__(self, target, network=1, ours=None):
        self.link = connect(target)
        self.preface = ours or preface(network)
        self.noise = Noise(self.preface)

    def first(self, **changes):
        return self.preface + framed(self.noise.write_1(**changes))

    def answer(self):
        self.version, self.network = receive_preface(self.link)
        return Hello(self.noise.read_2(receive_message(self.link)))


def client_low_order(target):
    """Row 6. A point of low order as ephemeral key in message 1 and as static key in message 3."""
    for point in LOW_ORDER:
        attempt = Handshake(target)
        attempt.link.sendall(attempt.first(ephemeral=point))
        expect(len(ends(attempt.link)) <= 10, "message 1 with %s was answered" % point.hex())
        attempt = Handshake(target)
        attempt.link.sendall(attempt.first())
        attempt.answer()
        body = hello(SHARED, point)
        attempt.link.sendall(framed(attempt.noise.write_3(body, static=point)))
        refused(attempt)
    is_well(target)


def refused(attempt, *reasons):
    """That the node answers message 3 with nothing but a Disconnect, if it can read it at all, and closes."""
    rest = Reader(ends(attempt.link))
    if not rest.data:
        expect(not reasons, "closed without the reason %r" % (reasons,))
        return
    _, opener = attempt.noise.split()
    session = Session(None, None, opener, None, None)
    while rest.position < len(rest.data):
        session.plain += opener.open(rest.raw(rest.u16()))
    opcode, _, _, _, body = session.receive()
    reason, text = struct.unpack("<H", body[:2])[0], body[6:].decode()
    expect(opcode == DISCONNECT and not session.plain, "opcode %d instead of a Disconnect" % opcode)
    expect(reason in (reasons or range(1, 12)), "Disconnect(%d, %r) instead of %r" % (reason, text, reasons))


def flipped(data, index):
    return data[:index] + u8(data[index] ^ 1 << random.randrange(8)) + data[index + 1 :]


def client_flips(target):
    """Row 7. One bit flipped in each byte that an initiator sends before its first record."""
    for index in range(44):
        attempt = Handshake(target)
        attempt.link.sendall(flipped(attempt.first(), index))
        attempt.link.shutdown(socket.SHUT_WR) if index in (10, 11) else None
        try:
            attempt.answer()
        except (Closed, ProtocolError, InvalidTag):
            # It noticed, or we must: the hashes differ.
            attempt.link.close()
            continue
        raise ProtocolError("byte %d of message 1 flipped, and message 2 opens" % index)
    length = 44
    index = 0
    while index < length:
        attempt = Handshake(target)
        attempt.link.sendall(attempt.first())
        attempt.answer()
        message = framed(attempt.noise.write_3(hello(SHARED, attempt.noise.static_public)))
        length = len(message)
        attempt.link.sendall(flipped(message, index))
        attempt.link.shutdown(socket.SHUT_WR) if index < 2 else None
        expect(not ends(attempt.link), "byte %d of message 3 flipped, and it is answered" % index)
        index += 1
    say("flipped %d bytes" % (44 + length))


def client_other_network(target):
    """Row 8. Another network, another version: the node's own preface and the end, before identities are shown."""
    for ours in (preface(network=7), preface(version=2), preface(network=0), preface(version=255, network=2**32 - 1)):
        link = connect(target)
        noise = Noise(ours)
        link.sendall(ours + framed(noise.write_1()))
        got = ends(link)
        expect(got == preface(), "%r was answered with %r" % (ours, got))


def client_bad_identity(target):
    """Row 9. The identity's signatures missing, by another key, over another key, under another label, malleated."""
    other = Identity()
    order = 2**252 + 27742317777372353535851937790883648493

    def malleated(signature):
        return signature[:32] + ((int.from_bytes(signature[32:], "little") + order) % 2**256).to_bytes(32, "little")

    def variants(static):
        good = sign(SHARED.key, STATIC_LABEL, static)
        record = SHARED.record()
        yield dict(static_signature=bytes(64))
        yield dict(static_signature=os.urandom(64))
        yield dict(static_signature=sign(other.key, STATIC_LABEL, static))
        yield dict(static_signature=sign(SHARED.key, STATIC_LABEL, os.urandom(32)))
        yield dict(static_signature=sign(SHARED.key, RECORD_LABEL, static))
        yield dict(static_signature=SHARED.key.sign(static))
        yield dict(static_signature=malleated(good))
        yield dict(static_signature=good[:32] + bytes(32))
        yield dict(record=record[:-64] + bytes(64))
        yield dict(record=record[:-64] + malleated(record[-64:]))
        yield dict(record=other.public + record[32:])
        yield dict(record=record[:64] + u64(2**64 - 1) + record[72:])
        yield dict(record=other.record())
        signed = SHARED.public + SHARED.nonce + u64(1) + list_([])
        yield dict(record=signed + sign(SHARED.key, STATIC_LABEL, signed))
        for count in (17, 65535):
            yield dict(record=SHARED.record(["tcp://10.0.0.1:1"] * 17)) if count == 17 else dict(
                record=signed[:-2] + u16(count) + sign(SHARED.key, RECORD_LABEL, signed[:-2] + u16(count)))
        yield dict(record=SHARED.record(["x" * 256]))
        yield dict(record=signed[:-2])
        yield dict(agent="x" * 65)
        # A key of small order signs anything under lax verification.
        small = u8(1) + bytes(31)
        yield dict(record=small + os.urandom(32) + u64(1) + list_([]) + small + bytes(32), static_signature=small + bytes(32))

    for number in range(21):
        attempt = Handshake(target)
        attempt.link.sendall(attempt.first())
        attempt.answer()
        changes = list(variants(attempt.noise.static_public))
        expect(len(changes) <= 21, "count the variants")
        if number >= len(changes):
            break
        attempt.link.sendall(framed(attempt.noise.write_3(hello(SHARED, attempt.noise.static_public, **changes[number]))))
        try:
            refused(attempt, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("variant %d %r: %s" % (number, list(changes[number]), error))
    attempt = Handshake(target)
    attempt.link.sendall(attempt.first())
    attempt.answer()
    attempt.link.sendall(framed(attempt.noise.write_3(b"")))
    refused(attempt, PROTOCOL_ERROR)
    say("id %s" % SHARED.public.hex())


def client_weak_puzzle(target):
    """Row 11. An identity below the minimum, and a nonce that belongs to another id."""
    borrowed = Identity()
    while True:
        borrowed.nonce = Identity().nonce
        if zero_bits(H(xor(borrowed.node_id, borrowed.nonce))) < 8:
            break
    for weak in (Identity(7, 8, exactly=True), Identity(8, 7, exactly=True), Identity(0, 0, exactly=True), borrowed):
        attempt = Handshake(target)
        attempt.link.sendall(attempt.first())
        attempt.answer()
        attempt.link.sendall(framed(attempt.noise.write_3(hello(weak, attempt.noise.static_public))))
        refused(attempt, PUZZLE_NOT_SOLVED)


def client_reflected(target):
    """Row 12. The node gets its own messages back."""
    attempt = Handshake(target)
    attempt.link.sendall(attempt.first())
    receive_preface(attempt.link)
    attempt.link.sendall(framed(receive_message(attempt.link)))
    ends(attempt.link)
    # Two of its own connections joined: what it sends as responder of one goes to the other.
    one, two = Handshake(target), Handshake(target)
    first = one.first()
    one.link.sendall(first)
    two.link.sendall(first)
    receive_preface(one.link), receive_preface(two.link)
    for there, back in ((one, two), (two, one)):
        sends(back.link, framed(receive_message(there.link)))
    ends(one.link), ends(two.link)


def client_own_identity(target, path):
    """Row 12. A peer that proves the node's own id."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    import base64

    text = open(path, "rb").read()
    own = Identity.__new__(Identity)
    own.key = load_pem_private_key(text, None)
    own.public = own.key.public_key().public_bytes_raw()
    own.node_id = H(own.public)
    block = text.split(b"-----BEGIN CARRIER PUZZLE NONCE-----")[1].split(b"-----END")[0]
    own.nonce = base64.b64decode(block)
    attempt = Handshake(target)
    attempt.link.sendall(attempt.first())
    expect(attempt.answer().record.public == own.public, "the node has another identity")
    attempt.link.sendall(framed(attempt.noise.write_3(hello(own, attempt.noise.static_public))))
    refused(attempt)


# --- One connection per pair ----------------------------------------------------------------------------------


def client_second_while_alive(target):
    """Row 14. The same identity comes again and again while its first connection answers: the first one stays."""
    first = dial(target)
    first.ping()
    stop = threading.Event()
    failures = []

    def answer():
        first.link.settimeout(0.2)
        while not stop.is_set():
            try:
                frame = first.next()
                if frame[0] == DISCONNECT:
                    failures.append(frame)
                    return
            except socket.timeout:
                pass
            except (Closed, OSError) as error:
                failures.append(error)
                return

    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(5):
        second = dial(target, first.identity)
        second.link.settimeout(8)
        ends_with(second, DUPLICATE_CONNECTION, within=8)
    stop.set()
    thread.join()
    expect(not failures, "the living connection was given up: %r" % failures)
    first.link.settimeout(10)
    first.ping()
    first.disconnect()


def client_many_seconds(target):
    """Row 14. Eight second sessions at once, while the first one answers: it stays, and none of them does."""
    first = dial(target)
    first.ping()
    begun = [Handshake(target) for _ in range(8)]
    for attempt in begun:
        attempt.link.sendall(attempt.first())
    for attempt in begun:
        attempt.answer()
    for attempt in begun:
        attempt.link.sendall(framed(attempt.noise.write_3(hello(first.identity, attempt.noise.static_public))))
    time.sleep(0.2)
    first.ping()
    for attempt in begun:
        refused(attempt, DUPLICATE_CONNECTION)
    first.link.settimeout(10)
    first.ping()
    first.disconnect()


def client_second_while_half_dead(target):
    """Row 14. The first connection answers nothing any more: the second one takes over after a probe."""
    first = dial(target)
    first.ping()
    second = dial(target, first.identity, timeout=20)
    begun = time.monotonic()
    second.ping()
    took = time.monotonic() - begun
    for _ in range(3):
        second.ping()
    second.disconnect()
    say("taken over after %.1f s" % took)
    expect(took < 10, "the second connection was answered after %.1f s" % took)


def server_crossing(what, order):
    """Row 13. Whoever dials is dialled back at once, and both links are spoken on. By the ids the one stays or the other;
    then, as `what` says, the other one is given up honestly, is never given up, or the one that stays is reset. What the node
    has acknowledged is said, for others to look whether it arrived."""
    acknowledged = set()

    def tell(session, number):
        session.send(1000, b"%d" % number, NEEDS_ACK, 1000 + number)

    def gather(session, wanted=None, within=15):
        """Notes acks until all `wanted` ones are there; otherwise until the end of the link, and gives the reason for it."""
        session.link.settimeout(within)
        reason = None
        while wanted is None or not acknowledged.issuperset(wanted):
            try:
                opcode, _, _, nonce, body = session.next()
            except (Closed, ConnectionError):
                expect(wanted is None, "the link ended before %r were acknowledged, only %r" % (wanted, acknowledged))
                break
            except socket.timeout:
                raise ProtocolError("still open after %d s; %r were acknowledged" % (within, acknowledged))
            if opcode == ACK_RESPONSE:
                acknowledged.add(nonce - 1000)
            elif opcode == DISCONNECT:
                reason = Reader(body).u16()
                if what == "honest":
                    break
        return reason

    first = {"smaller": 0, "greater": 15}[order]
    identity = Identity()
    while identity.public[0] >> 4 != first:
        identity = Identity()
    server = listen()
    say("tcp://%s@127.0.0.1:%d" % (identity.public.hex(), server.getsockname()[1]))
    theirs = accept(server, identity)
    node = theirs.remote.record
    target = node.addresses[0].replace("tcp://", "tcp://%s@" % node.public.hex())
    ours = dial(target, identity)
    stays, goes = (ours, theirs) if identity.public < node.public else (theirs, ours)
    for number in range(10):
        tell(goes if number < 5 else stays, number)
    if what == "reset":
        stays.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stays.link.close()
        gather(goes)
        stays = dial(target, identity)
        for number in range(40, 50):
            tell(stays, number)
        gather(stays, range(40, 50))
    elif what == "honest":
        reason = gather(goes)
        expect(reason == DUPLICATE_CONNECTION, "Disconnect(%r)" % reason)
        goes.disconnect(DUPLICATE_CONNECTION)
        gather(stays, range(10))
    else:
        for number in range(10, 40):
            time.sleep(0.02)
            tell(goes if number % 2 else stays, number)
        gather(goes)
        gather(stays, [number for number in range(5, 40) if number < 10 or number % 2 == 0])
    stays.ping()
    say("acknowledged " + " ".join(map(str, sorted(acknowledged))))
    hold()
    stays.ping()
    stays.disconnect()


def client_applications(target):
    """Row 24. What the node runs for three peers hangs, dies and works: the first is held back, the second is let go, the
    third is served all the while."""
    hangs, dies, works = dial(target), dial(target), dial(target)
    hangs.send(BYTES, b"hang\n")
    dies.send(BYTES, b"die\n")
    works.send(BYTES, b"work\n")
    hangs.link.settimeout(0.5)
    taken = 0
    try:
        while taken < 1 << 28:
            hangs.send(BYTES, bytes(60_000))
            taken += 60_000
    except socket.timeout:
        pass
    say("%d bytes were taken for one that hangs" % taken)
    # The system's buffers hold tens of millions; that the node does not is looked at from outside.
    expect(taken < 1 << 28, "%d bytes were taken for one that hangs" % taken)
    dies.link.settimeout(5)
    opcode, flags, _, nonce, body = dies.next()
    expect((opcode, flags, body) == (BYTES, END_OF_STREAM | NEEDS_ACK, b""), "opcode %d instead of the end" % opcode)
    dies.send(ACK_RESPONSE, u32(nonce), REPLY, nonce)
    dies.send(BYTES, b"", END_OF_STREAM)
    ends_with(dies, SHUTDOWN, within=5)
    hold()
    for number in range(50):
        works.send(BYTES, b"%d\n" % number)
        got = b""
        while not got.endswith(b"\n"):
            opcode, _, _, _, body = works.next()
            expect(opcode == BYTES, "opcode %d instead of an echo" % opcode)
            got += body
        expect(got == b"%d\n" % number, "%r came back" % got)
    works.disconnect()
    hangs.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    hangs.link.close()


# --- Records --------------------------------------------------------------------------------------------------


def client_bad_records(target):
    """Row 15. Records altered, reordered, replayed, left out: nothing of them or after them is delivered."""

    def three(session):
        return [session.record(session.frame(1000, b"bad %d" % number)) for number in range(3)]

    def altered(records):
        return [flipped(records[0], random.randrange(2, len(records[0])))] + records[1:]

    attacks = {
        "altered": altered,
        "tag cut": lambda records: [u16(len(records[0]) - 3) + records[0][2:-1]] + records[1:],
        "longer": lambda records: [u16(len(records[0]) - 1) + records[0][2:] + b"\0"] + records[1:],
        "reordered": lambda records: [records[1], records[0], records[2]],
        "left out": lambda records: records[1:],
        "zeros": lambda records: [u16(32) + bytes(32)] + records,
    }
    for name, attack in attacks.items():
        session = dial(target)
        session.link.sendall(b"".join(attack(three(session))))
        try:
            ends_with(session, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("%s: %s" % (name, error))
    session = dial(target)
    record = session.record(session.frame(1000, b"good"))
    session.link.sendall(record + record)
    ends_with(session, PROTOCOL_ERROR)
    # A bad record, and when the node has seen it the one that belonged there.
    session = dial(target)
    good = session.record(session.frame(1000, b"bad, for it comes too late"))
    session.link.sendall(u16(40) + bytes(40))
    time.sleep(0.1)
    sends(session.link, good)
    ends_with(session, PROTOCOL_ERROR)
    # A record from another session.
    one, two = dial(target), dial(target)
    two.link.sendall(one.record(one.frame(1000, b"bad")))
    ends_with(two, PROTOCOL_ERROR)
    one.close()


def client_cut(target, where):
    """Row 16. The stream ends inside a record, inside a frame, without a Disconnect, or properly."""
    session = dial(target)
    session.ping()
    frame = session.frame(PING, bytes(100), REQUEST, 9)
    if where == "record":
        session.link.sendall(session.record(frame)[:40])
    elif where == "length":
        session.link.sendall(session.record(frame)[:1])
    elif where == "frame":
        session.send_plain(frame)
        session.send_plain(frame[:50])
    elif where == "properly":
        session.send(DISCONNECT, u16(SHUTDOWN) + string(""))
    session.link.shutdown(socket.SHUT_WR)
    ends(session.link)


# --- Frames ---------------------------------------------------------------------------------------------------


def client_lengths(target):
    """Row 17. Length prefixes at and beyond their edges, judged at once and by themselves."""
    # Records: too short to hold a tag.
    for length in (0, 1, 15):
        session = dial(target)
        session.link.sendall(u16(length))
        try:
            ends_with(session, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("record of %d: %s" % (length, error))
    # Frames: too long.
    for length in (FRAME_LIMIT + 1, 2**31, 2**32 - 1):
        session = dial(target)
        session.send_plain(session.frame(PING, b"", REQUEST, 1, length=length))
        ends_with(session, MESSAGE_TOO_LARGE)
    # Zero and the limit are fine.
    session = dial(target)
    session.ping(b"")
    session.ping(os.urandom(FRAME_LIMIT))
    session.disconnect()
    # Other fields of the header.
    for broken in (dict(flags=0x10), dict(flags=0x80), dict(codec=3), dict(codec=255), dict(reserved=1)):
        session = dial(target)
        session.send_plain(session.frame(PING, b"", **{"flags": REQUEST, "nonce": 1, **broken}))
        try:
            ends_with(session, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("%r: %s" % (broken, error))


def client_withheld(target, count="60"):
    """Row 17. Many frames of the greatest length announced, the bodies withheld."""
    sessions = [dial(target) for _ in range(int(count))]
    for session in sessions:
        session.send_plain(session.frame(PING, bytes(1000), REQUEST, 1, length=FRAME_LIMIT))
        session.link.sendall(u16(65535) + bytes(1000))
    hold()
    for session in sessions:
        session.close()


def client_empty(target, what, seconds="4"):
    """Row 18. Empty records, or frames without a body, as fast as they go; ends when the node has enough or time is up."""
    session = dial(target)
    deadline = time.monotonic() + float(seconds)
    sent, ended = 0, "never"
    session.link.settimeout(5)
    say("holding")
    while time.monotonic() < deadline:
        if what == "records":
            piece = b"".join(session.record(b"") for _ in range(500))
        else:
            frame = {
                "acks": session.frame(ACK_RESPONSE, u32(7), REPLY, 7), "bytes": session.frame(BYTES),
                "replies": session.frame(PONG, b"", REPLY, 77), "unheard": session.frame(1000),
            }[what]
            piece = session.record(frame * (60_000 // len(frame)))
        try:
            session.link.sendall(piece)
        except OSError as error:
            ended = "%s after %d bytes" % (error, sent)
            break
        sent += len(piece)
    say("sent %d bytes, ended: %s" % (sent, ended))
    session.close()


def client_never_reads(target, what, seconds="14"):
    """Row 19. Requests whose replies are never read, until the node drops us."""
    session = dial(target)
    session.link.settimeout(1)
    body = {"pings": os.urandom(1 << 20), "small": bytes(8)}[what]
    frames = b"".join(session.frame(PING, body, REQUEST, n + 1) for n in range(1 if what == "pings" else 2000))
    begun, sent = time.monotonic(), 0
    pending = b""
    say("holding")
    while time.monotonic() < begun + float(seconds):
        if not pending:
            pending = b"".join(session.record(frames[n : n + 65000]) for n in range(0, len(frames), 65000))
        try:
            count = session.link.send(pending)
            pending, sent = pending[count:], sent + count
        except socket.timeout:
            pass
        except ConnectionError as error:
            say("dropped after %.1f s and %d bytes: %s" % (time.monotonic() - begun, sent, error))
            return
        if session.link in select.select([session.link], [], [], 0)[0] and peer_closed(session.link):
            say("dropped after %.1f s and %d bytes" % (time.monotonic() - begun, sent))
            return
    raise ProtocolError("not dropped in %s s; %d bytes were taken" % (seconds, sent))


def peer_closed(link):
    """Whether the other end is gone, without reading anything."""
    poller = select.poll()
    poller.register(link, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    return bool(poller.poll(0))


def client_opcodes(target):
    """Row 20. Opcodes that nobody registered end the session by name; replies that nobody waits for do not."""
    for opcode in (0, 4, 8, 25, 999):
        for flags, nonce in ((0, 0), (REQUEST, 1)):
            session = dial(target)
            session.send(opcode, b"x", flags, nonce)
            try:
                ends_with(session, UNREGISTERED_OPCODE)
            except ProtocolError as error:
                raise ProtocolError("opcode %d: %s" % (opcode, error))
    session, other = dial(target), dial(target)
    for opcode, body in (
        (KEEPALIVE_RESPONSE, b""), (PONG, b"x"), (METRIC_RESPONSE, u64(1) + bytes_(b"")), (LOOKUP_NODE_RESPONSE, list_([])),
        (ACK_RESPONSE, u32(1)), (REACHABILITY_RESPONSE, u16(0) + string("")),
    ):
        for nonce in (0, 1, 2, 2**32 - 1):
            session.send(opcode, body, REPLY, nonce)
    session.ping()
    other.ping()
    session.disconnect()
    other.disconnect()


def client_bad_fields(target):
    """Row 22. Bodies that are not what their opcode says: an error that names them, and no other peer notices."""
    witness = dial(target)
    broken = {
        "disconnect without text": (DISCONNECT, u16(0), 0),
        "disconnect, text longer than the body": (DISCONNECT, u16(0) + u32(2**32 - 1) + b"x", 0),
        "disconnect, text no UTF-8": (DISCONNECT, u16(0) + bytes_(b"\xff\xfe"), 0),
        "metric cut": (METRIC_REQUEST, u64(1)[:7], REQUEST),
        "metric, data longer than the body": (METRIC_REQUEST, u64(1) + u32(2**31) + b"x", REQUEST),
        "metric with more behind": (METRIC_REQUEST, u64(1) + bytes_(b"x") + b"y", REQUEST),
        "ack cut": (ACK_RESPONSE, b"\1\2\3", REPLY),
        "keepalive with a body": (KEEPALIVE, b"x", REQUEST),
    }
    for name, (opcode, body, flags) in broken.items():
        session = dial(target)
        session.send(opcode, body, flags, 1)
        try:
            if opcode == DISCONNECT:
                ends(session.link)
            else:
                ends_with(session, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("%s: %s" % (name, error))
    witness.ping()
    witness.disconnect()


def client_bad_overlay_fields(target):
    """Row 22 for the overlay's messages."""
    broken = {
        "lookup cut": (LOOKUP_NODE_REQUEST, bytes(32), REQUEST),
        "lookup with more": (LOOKUP_NODE_REQUEST, bytes(34), REQUEST),
        "lookup empty": (LOOKUP_NODE_REQUEST, b"", REQUEST),
        "broadcast empty": (BROADCAST, b"", NEEDS_ACK),
        "broadcast, body longer than the frame": (BROADCAST, bytes(32) + u64(1) + u32(1000) + u8(0) + u32(2**32 - 1), NEEDS_ACK),
        "broadcast, bool of 2": (BROADCAST, Broadcast.make(SHARED, 1000, b"x").encode()[:-1] + b"\2", NEEDS_ACK),
        "digest with a count and no ids": (BROADCAST_DIGEST, u16(65535), 0),
        "want cut": (BROADCAST_WANT, u16(1) + bytes(15), 0),
    }
    for name, (opcode, body, flags) in broken.items():
        session = dial(target)
        session.send(opcode, body, flags, 1)
        try:
            ends_with(session, PROTOCOL_ERROR)
        except ProtocolError as error:
            raise ProtocolError("%s: %s" % (name, error))


def client_many_requests(target, count="100000"):
    """Row 23. A hundred thousand requests, read as they are answered, each answered once and in order."""
    session = dial(target, timeout=20)
    count = int(count)

    def write():
        for start in range(1, count, 1000):
            numbers = range(start, min(start + 1000, count + 1))
            session.send_plain(b"".join(session.frame(PING, u32(n), REQUEST, n) for n in numbers))

    writer = threading.Thread(target=write)
    writer.start()
    for number in range(1, count + 1):
        opcode, flags, _, nonce, body = session.receive()
        expect((opcode, flags, nonce, body) == (PONG, REPLY, number, u32(number)), "reply %d is %r" % (number, (opcode, flags, nonce, body)))
    writer.join()
    # And as many replies that nobody asked for.
    for start in range(0, count, 1000):
        session.send_plain(b"".join(session.frame(PONG, u32(n), REPLY, n) for n in range(start, start + 1000)))
    session.ping()
    session.disconnect()


# --- Servers: the node is the initiator -----------------------------------------------------------------------


def server_flips():
    """Row 7. One bit flipped in the next byte of message 2, prefix and preface included, for each connection."""
    counter = iter(range(10**9))
    lock = threading.Lock()

    def one(link, identity):
        with lock:
            number = next(counter)
        theirs = receive(link, 10)
        noise = Noise(theirs)
        noise.read_1(receive_message(link))
        answer = preface() + framed(noise.write_2(hello(identity, noise.static_public)))
        index = number % len(answer)
        sends(link, flipped(answer, index))
        link.shutdown(socket.SHUT_WR) if index in (10, 11) else None
        expect(not ends(link, within=12), "byte %d of message 2 flipped, and message 3 came" % index)
        say("flipped %d of %d" % (index, len(answer)))

    serve(one)


def server_low_order():
    """Row 6. Points of low order in message 2: in turn as ephemeral and as static key."""
    counter = iter(range(10**9))

    def one(link, identity):
        number = next(counter)
        point = LOW_ORDER[number // 2 % len(LOW_ORDER)]
        noise = Noise(receive(link, 10))
        noise.read_1(receive_message(link))
        changes = dict(ephemeral=point) if number % 2 else dict(static=point)
        if number % 2:
            # What the honest side would have got from it: nothing but zeros.
            noise.e = type("Zero", (), {"exchange": lambda self, other: bytes(32)})()
        answer = noise.write_2(hello(identity, point if number % 2 == 0 else noise.static_public), **changes)
        sends(link, preface() + framed(answer))
        expect(not ends(link), "message 2 with %s of low order is answered" % list(changes))

    serve(one)


def server_other_network():
    """Row 8."""

    def one(link, identity):
        receive(link, 10)
        receive_message(link)
        sends(link, preface(network=7))
        link.close()

    serve(one)


def server_other_version():
    """Row 8."""

    def one(link, identity):
        receive(link, 10)
        receive_message(link)
        sends(link, preface(version=2))
        link.close()

    serve(one)


def bad_server(changes_of):
    def one(link, identity):
        noise = Noise(receive(link, 10))
        noise.read_1(receive_message(link))
        body = hello(identity, noise.static_public, **changes_of(identity, noise))
        sends(link, preface() + framed(noise.write_2(body)))
        expect(not ends(link), "a bad message 2 is answered")

    return one


def server_bad_identity():
    """Row 9, one variant after the other."""
    other = Identity()
    variants = [
        lambda identity, noise: dict(static_signature=bytes(64)),
        lambda identity, noise: dict(static_signature=sign(other.key, STATIC_LABEL, noise.static_public)),
        lambda identity, noise: dict(static_signature=sign(identity.key, STATIC_LABEL, os.urandom(32))),
        lambda identity, noise: dict(static_signature=sign(identity.key, RECORD_LABEL, noise.static_public)),
        lambda identity, noise: dict(record=other.record()),
        lambda identity, noise: dict(record=identity.record()[:-64] + bytes(64)),
        lambda identity, noise: dict(agent="x" * 65),
        lambda identity, noise: dict(record=b""),
    ]
    counter = iter(range(10**9))
    serve(bad_server(lambda identity, noise: variants[next(counter) % len(variants)](identity, noise)))


def server_weak_puzzle():
    """Row 11."""
    serve(bad_server(lambda identity, noise: {}), Identity(7, 8, exactly=True))


def server_weak_nonce():
    """Row 11."""
    serve(bad_server(lambda identity, noise: {}), Identity(8, 7, exactly=True))


def server_wrong_id():
    """Row 10. Prints an address with an id that it cannot prove."""
    named = Identity()
    proven = Identity()
    serve(lambda link, identity: bad_server(lambda i, n: {})(link, proven), named)


def server_reflects():
    """Row 12. Everything back as it came."""

    def one(link, identity):
        try:
            while True:
                data = link.recv(4096)
                if not data:
                    return
                link.sendall(data)
        except OSError:
            pass

    serve(one)


def server_silent():
    """Rows 1, 2. Accepts and says nothing."""
    kept = []
    serve(lambda link, identity: kept.append(link))


def server_resets():
    """Row 36. Resets each connection as soon as it stands."""

    def one(link, identity):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()

    serve(one)


def server_dribbles():
    """Row 2. Message 2 a byte every quarter second."""

    def one(link, identity):
        noise = Noise(receive(link, 10))
        noise.read_1(receive_message(link))
        try:
            for byte in preface() + framed(noise.write_2(hello(identity, noise.static_public))):
                link.sendall(u8(byte))
                time.sleep(0.25)
        except OSError:
            pass

    serve(one)


def server_strangers():
    """Row 4. Other protocols' first bytes, and a flood of them."""
    first = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", bytes(4096), os.urandom(4096), b"\x15\x03\x01\x00\x02\x02\x28" + bytes(10)]
    counter = iter(range(10**9))

    def one(link, identity):
        sends(link, first[next(counter) % len(first)])
        ends(link, within=12)

    serve(one)


def server_cut(where):
    """Row 16. A byte stream that ends in the middle, or at a boundary without a Disconnect."""

    def one(link, identity):
        session = accept(None, identity, link=link)
        session.send(BYTES, b"the beginning\n")
        if where == "record":
            session.link.sendall(session.record(session.frame(BYTES, b"the middle\n"))[:-5])
        elif where == "frame":
            session.send_plain(session.frame(BYTES, b"the middle\n")[:-3])
        session.link.shutdown(socket.SHUT_WR)
        ends(session.link)

    serve(one)


def server_odd_replies():
    """Row 23. Each pong doubled, before it one to another nonce, after it a late one."""

    def one(link, identity):
        session = accept(None, identity, link=link)
        earlier = []
        while True:
            opcode, flags, _, nonce, body = session.receive()
            if opcode == DISCONNECT:
                return
            if opcode == PING:
                for odd in earlier:
                    session.send(PONG, b"late", REPLY, odd)
                session.send(PONG, b"nobody's", REPLY, nonce + 1000)
                session.send(PONG, body, REPLY, nonce)
                session.send(PONG, b"twice", REPLY, nonce)
                earlier.append(nonce)
            elif flags & REQUEST:
                session.answer((opcode, flags, 0, nonce, body))

    serve(one)


def server_unregistered():
    """Row 20. An opcode that no node has registered, sent to the initiator."""

    def one(link, identity):
        session = accept(None, identity, link=link)
        session.send(999, b"x")
        ends_with(session, UNREGISTERED_OPCODE)

    serve(one)


def client_victims(target):
    """Row 27. Asked to dial others, the node does not; asked to dial the asker itself again and again, it does so rarely."""
    victim = listen("127.0.0.2")
    victim.settimeout(0.3)
    session = dial(target)
    port = victim.getsockname()[1]
    elsewhere = ["tcp://127.0.0.2:%d" % port, "udp://127.0.0.2:%d" % port, "quic://127.0.0.2:%d" % port,
                 "tcp://localhost:%d" % port, "tcp://0.0.0.0:%d" % port, "tcp://[::ffff:127.0.0.2]:%d" % port]
    for text in elsewhere:
        body = session.request(REACHABILITY_REQUEST, string(text))[4]
        expect(Reader(body).u16() == 2, "%s: status %d" % (text, Reader(body).u16()))
    try:
        victim.accept()
        raise ProtocolError("the victim was dialled")
    except socket.timeout:
        pass
    # Many askers at one place, each of them often.
    own = listen("127.0.0.1", backlog=4096)
    own.settimeout(0.5)
    text = "tcp://127.0.0.1:%d" % own.getsockname()[1]
    statuses = []
    for _ in range(20):
        asker = dial(target)
        nonces = [asker.next_nonce() for _ in range(20)]
        for nonce in nonces:
            asker.send(REACHABILITY_REQUEST, string(text), REQUEST, nonce)
        statuses += [Reader(asker.reply_to(nonce)[4]).u16() for nonce in nonces[1:]]
        asker.close()
    expect(statuses == [3] * len(statuses), "a second dial for one asker while the first is under way")
    dials = 0
    while True:
        try:
            own.accept()[0].close()
            dials += 1
        except socket.timeout:
            break
    expect(1 <= dials <= 20, "%d dials" % dials)
    session.ping()
    session.disconnect()


def client_doors(target):
    """The limits of a relay: 4 doors a node, 16 who wait at one; tickets that are none; doors of sessions that broke."""
    owner = dial(target)

    def ask():
        reader = Reader(owner.request(PROXY_REQUEST, u8(0) + bytes(16))[4])
        return reader.u16(), reader.string()

    answers = [ask() for _ in range(8)]
    doors = [door for status, door in answers if status == 0]
    expect([status for status, _ in answers] == [0] * 4 + [2] * 4, "doors: %r" % (answers,))
    expect(ask()[0] == 3, "a ninth request at once")
    callers = [connect(doors[0]) for _ in range(20)]
    offers = [owner.next() for _ in range(16)]
    expect(all(frame[0] == PROXY_RESPONSE for frame in offers), "offers")
    for caller in callers[16:]:
        ends(caller, silent=True)
    for ticket in (bytes(16), b"\xff" * 16):
        thief = dial(target)
        thief.send(PROXY_REQUEST, u8(1) + ticket)
        ends_with(thief, PROTOCOL_ERROR)
    # The ticket of one who waits is good once.
    ticket = offers[0][4][-16:]
    circuit = dial(target, owner.identity)
    circuit.send(PROXY_REQUEST, u8(1) + ticket)
    again = dial(target)
    again.send(PROXY_REQUEST, u8(1) + ticket)
    ends_with(again, PROTOCOL_ERROR)
    # Neither side of the circuit says or reads anything; the owner breaks off.
    owner.link.close()
    for caller in callers[1:16]:
        ends(caller, silent=True)
    callers[0].sendall(b"still here")
    expect(circuit.next()[4] == b"still here", "a circuit ends with its door")
    circuit.link.close()
    ends(callers[0])


def server_poison(port):
    """Row 26. Answers each lookup with records of live-looking nodes at places where nobody must be sent."""
    poisoned = [
        "tcp://0.0.0.0:" + port, "tcp://[::]:" + port, "tcp://[::ffff:0.0.0.0]:" + port, "tcp://255.255.255.255:" + port,
        "tcp://224.0.0.1:" + port, "tcp://169.254.0.1:" + port, "tcp://[fe80::1]:" + port, "tcp://127.0.0.1:0",
        "tcp://localhost:" + port,
    ]
    liars = [Identity() for _ in poisoned]

    def one(link, identity):
        session = accept(None, identity, link=link, addresses=["tcp://127.0.0.1:%d" % link.getsockname()[1]])
        while True:
            opcode, flags, _, nonce, body = session.next()
            if opcode == DISCONNECT:
                return
            if opcode == LOOKUP_NODE_REQUEST:
                records = [liar.record([place]) for liar, place in zip(liars, poisoned)]
                session.send(LOOKUP_NODE_RESPONSE, list_(records), REPLY, nonce)

    serve(one)


if __name__ == "__main__":
    run(globals())
