"""What a hostile peer does to the overlay: lying answers to lookups, forged and endless broadcasts.

    hostile_overlay.py client NAME ADDRESS      attacks a listening node
    hostile_overlay.py server NAME              prints its address and lies to whoever asks it

Exit 0 where the node did what it must; otherwise what it did instead is on stderr.
"""

import random
import sys
import threading

from carrier_peer import *
from interop import expect, run, say
from hostile import hold


# The reasons of the Disconnects that came.
LAST_WORDS = set()


def lie(answer_to):
    """Serves sessions whose lookups are answered by `answer_to(request, session)`: a list of records as bytes, or None for
    no answer."""
    identity = Identity()
    server = listen()
    server.settimeout(None)
    here = "tcp://127.0.0.1:%d" % server.getsockname()[1]
    asked = []

    def one(link):
        try:
            session = accept(None, identity, link=link, addresses=[here])
            while True:
                opcode, flags, _, nonce, body = session.next()
                if opcode == LOOKUP_NODE_REQUEST and flags & REQUEST:
                    asked.append((session.remote.record.public, body))
                    records = answer_to(body[:32], session)
                    if records is not None:
                        session.send(LOOKUP_NODE_RESPONSE, list_(records), REPLY, nonce)
                elif opcode == DISCONNECT:
                    LAST_WORDS.add(struct.unpack("<H", body[:2])[0])
                    return
        except (Closed, OSError, ProtocolError, InvalidTag):
            pass

    def loop():
        while True:
            link, _ = server.accept()
            link.settimeout(20)
            threading.Thread(target=one, args=(link,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return identity, here, asked


def until_told(identity, here):
    say(here.replace("tcp://", "tcp://%s@" % identity.public.hex()))
    sys.stdin.readline()


def forged(record):
    return record[:-1] + bytes([record[-1] ^ 1])


def server_poison():
    """Row 25. An answer with ourselves, the asker, doubles, forgeries, weak puzzles and a client; one record is good. What is
    good is printed behind the address."""
    good, weak, client = Identity(), Identity(0, 0, exactly=True), Identity()
    identity, here, asked = None, None, None

    def answer(target, session):
        record = good.record([here])
        asker = session.remote.record
        return [
            record, record, forged(record), good.record([here], sequence=1), identity.record([here]),
            asker.signed + asker.signature, weak.record([here]), client.record([]), forged(weak.record([here])),
            good.record(["tcp://0.0.0.0:1", "tcp://224.0.0.1:1", "tcp://127.0.0.1:0"]),
        ]

    identity, here, asked = lie(answer)
    say(here.replace("tcp://", "tcp://%s@" % identity.public.hex()))
    say(good.public.hex())
    sys.stdin.readline()
    expect(asked, "nobody asked")


def server_too_many():
    """Row 25. An answer with more records than the page allows, five hundred of them: cut, and nobody behind the cut is
    ever asked."""
    crowd = [Identity() for _ in range(20)]
    hidden = Identity()
    identity, here, asked = None, None, None
    elsewhere = listen()
    elsewhere.settimeout(0)
    lost = "tcp://127.0.0.1:%d" % elsewhere.getsockname()[1]
    records = [one.record(["tcp://127.0.0.1:9"]) for one in crowd] + [hidden.record([lost])] * 480
    identity, here, asked = lie(lambda target, session: records)
    until_told(identity, here)
    expect(asked, "nobody asked")
    expect(not LAST_WORDS or LAST_WORDS == {SHUTDOWN}, "ended with %r" % LAST_WORDS)
    try:
        elsewhere.accept()
    except BlockingIOError:
        return
    raise ProtocolError("a record behind the cut was dialled")


def server_endless():
    """Row 31. Each answer names nodes nearer to the target than those before; none of them exists."""
    pool = [Identity() for _ in range(160)]
    told = {}
    identity, here, asked = None, None, None

    def answer(target, session):
        nearest = sorted(pool, key=lambda one: xor(one.node_id, target), reverse=True)
        start = told.get(target, 0)
        told[target] = start + 12
        return [one.record([here]) for one in reversed(nearest[start : start + 16])]

    identity, here, asked = lie(answer)
    until_told(identity, here)
    # Nobody is asked twice for the same by one node.
    expect(len(asked) == len(set(asked)), "asked twice for the same: %d questions" % len(asked))


def server_slow():
    """Row 31. Answers come just before their time is up, and then not at all."""
    identity, here, asked = None, None, None

    def answer(target, session):
        if len(asked) > 2:
            return None
        time.sleep(2.5)
        return []

    identity, here, asked = lie(answer)
    until_told(identity, here)


# --- Routing tables -------------------------------------------------------------------------------------------


class Member:
    """A peer in the table of a node, or on its way there: its session, held by a thread that answers lookups or does not."""

    def __init__(self, target, source="127.0.0.1", identity=None, answers=lambda target, session: [], here=None):
        self.identity = identity or Identity()
        self.asked = 0
        here = here or "tcp://%s:4000" % source
        link = socket.create_connection(address(target)[:2], timeout=10, source_address=(source, 0))
        self.session = dial(target, self.identity, link=link, addresses=[here])
        link.settimeout(None)
        threading.Thread(target=self.hold, args=(answers,), daemon=True).start()

    def hold(self, answers):
        try:
            while True:
                opcode, flags, _, nonce, body = self.session.next()
                if opcode == LOOKUP_NODE_REQUEST and flags & REQUEST:
                    self.asked += 1
                    if answers:
                        self.session.send(LOOKUP_NODE_RESPONSE, list_(answers(body[:32], self.session)), REPLY, nonce)
        except (Closed, OSError, ProtocolError, InvalidTag):
            pass

    def bucket(self, own):
        return int.from_bytes(xor(self.identity.node_id, own), "big").bit_length() - 1


def known(target, members, source="127.0.0.1"):
    """Those of `members` whom the node tells of when it is asked for their own places."""
    found = set()
    for start in range(0, len(members), 35):
        link = socket.create_connection(address(target)[:2], timeout=10, source_address=(source, 0))
        asker = dial(target, link=link)
        for member in members[start : start + 35]:
            found.update(record.public for record in asker.lookup(member.identity.node_id, 1))
        asker.disconnect()
    return [member for member in members if member.identity.public in found]


def until(members, within=10):
    """Waits until the node has asked each."""
    deadline = time.monotonic() + within
    while not all(member.asked for member in members):
        expect(time.monotonic() < deadline, "%d are never asked" % sum(not member.asked for member in members))
        time.sleep(0.02)


def client_subnet(target):
    """Row 28. Sixty Sybils of one /24 among a dozen of honest peers of as many networks: two of them in a bucket, ten in
    all, and the honest ones stay; so do others that come later."""
    honest = [Member(target, "198.18.%d.1" % number) for number in range(12)]
    until(honest)
    sybils = [Member(target, "203.0.113.%d" % number) for number in range(1, 61)]
    until(sybils, 30)
    honest += [Member(target, "198.18.%d.1" % number) for number in range(12, 16)]
    until(honest)
    hold()
    expect(len(known(target, honest, "198.18.99.1")) == 16, "honest contacts are lost")
    inside = known(target, sybils, "198.18.99.2")
    own = honest[0].session.remote.record.node_id
    buckets = [member.bucket(own) for member in inside]
    say("%d Sybils, buckets %r" % (len(inside), sorted(buckets)))
    expect(0 < len(inside) <= 10, "%d Sybils in the table" % len(inside))
    expect(all(buckets.count(bucket) <= 2 for bucket in buckets), "buckets %r" % sorted(buckets))


def client_unbidden(target):
    """Row 29. Peers that come unbidden and answer no question are not told to others, however near they are and however
    much they ask; those that answer are."""
    own = dial(target).remote.record.node_id
    pool = sorted((Identity() for _ in range(200)), key=lambda one: xor(one.node_id, own))
    silent = [Member(target, identity=one, answers=None) for one in pool[:16]]
    for member in silent:
        for _ in range(30):
            member.session.send(LOOKUP_NODE_REQUEST, own + u8(20), REQUEST, member.session.next_nonce())
    hold()
    honest = [Member(target, identity=one) for one in pool[20:30]]
    # The silent ones are asked first, eight at a time, and each has three seconds.
    until(honest, 30)
    until(silent)
    time.sleep(0.5)
    expect(len(known(target, honest)) == 10, "honest contacts are missing")
    inside = known(target, silent)
    expect(not inside, "%d that never answered are told of" % len(inside))


def client_full_bucket(target):
    """Row 30. The farthest bucket is full of peers that live; forty newcomers that would all like a place in it come, answer
    and go: the old ones stay, and everybody is answered meanwhile."""
    old = [Member(target) for _ in range(112)]
    # Eighty are asked whether they are there; the others are far enough to enter unasked.
    before = -1
    while before != sum(member.asked for member in old):
        before = sum(member.asked for member in old)
        time.sleep(1)
    own = old[0].session.remote.record.node_id
    before = known(target, old)
    farthest = [member for member in before if member.bucket(own) == 255]
    expect(96 <= len(before) < 112, "%d of 112 in the table" % len(before))
    hold()
    outside = sorted(set(old) - set(before), key=lambda member: xor(member.identity.node_id, own))
    edge = xor(outside[0].identity.node_id, own)
    newcomers = []
    while len(newcomers) < 40:
        identity = Identity()
        if xor(identity.node_id, own) > edge:
            newcomers.append(Member(target, identity=identity))
            if len(newcomers) % 8 == 0:
                time.sleep(0.2)
                inside = known(target, newcomers[-8:])
                expect(not inside, "%d newcomers have a place" % len(inside))
                for member in newcomers[-8:]:
                    member.session.disconnect()
    after = known(target, before)
    expect(len(after) == len(before), "%d of %d old contacts are left" % (len(after), len(before)))
    say("%d in the table, %d of them in the farthest half" % (len(before), len(farthest)))


def server_colluders(*honest):
    """Row 32. As many colluders as honest nodes: they are in all tables, and name nobody but themselves and thirty more
    who do not exist. Prints the address of one."""
    colluders, pool, asked = [], [], []

    def answer(target, session):
        asked.append(target)
        nearest = sorted(pool, key=lambda record: xor(H(record[:32]), target))
        return nearest[:16]

    for _ in honest:
        identity, here, _ = lie(answer)
        pool.append(identity.record([here]))
        colluders.append((identity, here))
    pool.extend(Identity().record([colluders[0][1]]) for _ in range(30))
    for identity, here in colluders:
        for target in honest:
            Member(target, identity=identity, answers=answer, here=here)
    until_told(*colluders[0])
    expect(asked, "nobody asked a colluder")


# --- Broadcasts -----------------------------------------------------------------------------------------------


def client_broadcasts(target):
    """Row 34. Forged, altered, replayed, with a height that was raised, too old, from the future; then one that is good."""
    session = dial(target)
    other = Identity()
    now = int(time.time() * 1e6)

    def send(message):
        nonce = session.next_nonce()
        session.send(BROADCAST, message.encode(), NEEDS_ACK, nonce)

    forged_one = Broadcast.make(other, 1000, b"forged", height=256)
    forged_one.signature = bytes(64)
    altered = Broadcast.make(other, 1000, b"altered", height=256)
    altered.body = b"ALTERED"
    stolen = Broadcast.make(other, 1000, b"stolen", height=256)
    stolen.origin = session.identity.public
    for bad in (
        forged_one, altered, stolen,
        Broadcast.make(other, 1000, b"old", sequence=now - 121_000_000, height=256),
        Broadcast.make(other, 1000, b"future", sequence=now + 40_000_000, height=256),
    ):
        send(bad)
    good = Broadcast.make(session.identity, 1000, b"good", height=65535)
    for _ in range(50):
        send(good)
    # It looped: more hops, the same message.
    good.hops = 9
    send(good)
    session.ping()
    session.disconnect()


def client_flood(target, count="400"):
    """Row 34. One origin floods: some hundred messages at once get through, then twenty a second."""
    session = dial(target)
    now = int(time.time() * 1e6)
    for number in range(int(count)):
        message = Broadcast.make(session.identity, 1000, b"%d" % number, sequence=now + number, height=256)
        session.send(BROADCAST, message.encode(), NEEDS_ACK, session.next_nonce())
    session.ping()
    session.disconnect()


if __name__ == "__main__":
    run(globals())
