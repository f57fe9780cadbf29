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
    """Row 25. An answer with more records than the page allows: a protocol error, not a crowd."""
    crowd = [Identity() for _ in range(21)]
    identity, here, asked = None, None, None
    identity, here, asked = lie(lambda target, session: [one.record([here]) for one in crowd])
    until_told(identity, here)
    expect(asked, "nobody asked")


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
