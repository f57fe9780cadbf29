"""What an honest independent peer does with a carrier node.

    interop.py client NAME ADDRESS      dials a node
    interop.py server NAME              prints its address, serves sessions; a line on stdin ends it

Exit 0 where all was as the protocol page says; otherwise the disagreement is on stderr.
"""

import sys
import threading

from carrier_peer import *


def expect(condition, text):
    if not condition:
        raise ProtocolError(text)


def run(module):
    """Runs the scenario that the command line names; `module` holds functions `client_NAME` and `server_NAME`."""
    role, name = sys.argv[1], sys.argv[2]
    scenario = module["%s_%s" % (role, name.replace("-", "_"))]
    try:
        scenario(*sys.argv[3:])
    except (ProtocolError, Closed, OSError, InvalidTag, AssertionError) as error:
        import traceback

        traceback.print_exc()
        sys.exit(1)


def say(text):
    print(text, flush=True)


def serve(session_of, identity=None, ready=None):
    """Prints the address and gives each connection to `session_of(socket, identity)` on a thread of its own, until stdin
    ends. Raises what the first failed one raised."""
    identity = identity or Identity()
    server = listen()
    failures = []

    def one(link):
        try:
            session_of(link, identity)
        except BaseException as error:
            failures.append(error)

    def loop():
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            link.settimeout(20)
            threading.Thread(target=one, args=(link,), daemon=True).start()

    server.settimeout(None)
    threading.Thread(target=loop, daemon=True).start()
    say("tcp://%s@127.0.0.1:%d" % (identity.public.hex(), server.getsockname()[1]))
    sys.stdin.readline()
    if failures:
        raise failures[0]


# --- Clients --------------------------------------------------------------------------------------------------


def client_messages(target):
    """Every message that any node answers, in one session."""
    session = dial(target)
    expect(session.remote.agent.startswith("carrier/"), "agent %r" % session.remote.agent)
    expect(address(session.remote.observed)[1] == session.link.getsockname()[1], "observed " + session.remote.observed)
    session.keepalive()
    for size in (0, 1, 15, 16, 17, 32_731, 32_732, 32_733, 65_519, 65_520, 200_000, FRAME_LIMIT):
        session.ping(os.urandom(size))
    session.metric(b"")
    session.metric(os.urandom(5000))
    # Many requests under way at once, their records cut in every odd place.
    nonces = [session.next_nonce() for _ in range(200)]
    stream = b"".join(session.frame(PING, b"%d" % nonce, REQUEST, nonce) for nonce in nonces)
    session.send_plain(stream, size=7)
    for nonce in nonces:
        expect(session.reply_to(nonce)[4] == b"%d" % nonce, "pong %d" % nonce)
    session.disconnect()


def client_later_fields(target):
    """A Hello of a later version: bytes after the known fields are ignored. IPv6 and long addresses are taken."""
    session = dial(target, more=os.urandom(700), addresses=["tcp://[2001:db8::1]:4000", "quic://h.example:1"])
    session.ping()
    session.disconnect()


def client_lookup(target):
    """The node's own overlay answers a lookup with signed records, closest first."""
    session = dial(target)
    for _ in range(3):
        session.lookup(os.urandom(32))
    session.disconnect()


def client_echo(target):
    """A byte stream comes back, the half-closes and acknowledgements as the page says."""
    session = dial(target)
    data = os.urandom(1_000_000)
    writer = threading.Thread(target=stream_out, args=(session, data))
    writer.start()
    got = bytearray()
    acknowledged = ended = False
    while not (acknowledged and ended):
        opcode, flags, codec, nonce, body = session.next()
        if opcode == BYTES:
            got += body
            if flags & NEEDS_ACK:
                session.send(ACK_RESPONSE, u32(nonce), REPLY, nonce)
            ended = ended or bool(flags & END_OF_STREAM)
        elif opcode == ACK_RESPONSE:
            expect(body == u32(4242), "an ack of %r" % body)
            acknowledged = True
        elif opcode == DISCONNECT:
            break
    writer.join()
    expect(bytes(got) == data, "%d of %d bytes came back" % (len(got), len(data)))
    expect(ended and acknowledged, "ended %s, acknowledged %s" % (ended, acknowledged))


def stream_out(session, data, piece=50_000):
    for start in range(0, len(data), piece):
        session.send(BYTES, data[start : start + piece])
    session.send(BYTES, b"", END_OF_STREAM | NEEDS_ACK, 4242)


def client_send_file(target, path):
    """What `dial --send-only` does."""
    session = dial(target)
    with open(path, "rb") as file:
        stream_out(session, file.read())
    while True:
        opcode, _, _, _, body = session.next()
        if opcode == ACK_RESPONSE:
            break
        expect(opcode == BYTES, "opcode %d before the ack" % opcode)
    expect(body == u32(4242), "an ack of %r" % body)
    session.disconnect()


def client_rekey(target):
    """Two million and some one-byte records, so that the receiver rekeys twice; the page fixes the interval."""
    session = dial(target)
    data = b"".join(session.frame(BYTES, b"%07d\n" % number) for number in range(2 * REKEY_INTERVAL // 24 + 10))
    for start in range(0, len(data), 20_000):
        session.send_plain(data[start : start + 20_000], size=1)
    session.send(BYTES, b"", END_OF_STREAM | NEEDS_ACK, 1)
    while session.next()[0] != ACK_RESPONSE:
        pass
    session.ping()
    session.disconnect()
    expect(session.sealer.counter > 2 * REKEY_INTERVAL, "too few records")


def client_application(target):
    """Messages of an application's opcode in each codec."""
    session = dial(target)
    session.send(1000, b"hello")
    session.send(1001, bytes.fromhex("82a161c3a16293010203"), codec=2)
    session.send(1002, b"\x08\x2a", codec=1)
    session.ping()
    session.disconnect()


def client_broadcast(target):
    """A broadcast is acknowledged, and acknowledged again when it is a duplicate."""
    session = dial(target)
    message = Broadcast.make(session.identity, 1000, b"to all", height=256, wants_report=False)
    for nonce in (1, 2):
        session.send(BROADCAST, message.encode(), NEEDS_ACK, nonce)
        frame = session.next()
        while frame[0] != ACK_RESPONSE:
            frame = session.next()
        expect(frame[4] == u32(nonce), "an ack of %r" % frame[4])
    session.disconnect()


def proxy_response(body):
    """status, address, ticket"""
    reader = Reader(body)
    response = reader.u16(), reader.string(), reader.raw(16)
    reader.end()
    return response


def client_door(target):
    """A door at a relay: what comes to it is told, fetched by a second session, and passed on both ways."""
    identity = Identity()
    owner = dial(target, identity)
    opcode, flags, _, _, body = owner.request(PROXY_REQUEST, u8(0) + bytes(16))
    status, door, ticket = proxy_response(body)
    expect((opcode, flags, status, ticket) == (PROXY_RESPONSE, REPLY, 0, bytes(16)), "door: %r" % ((opcode, flags, status),))
    expect(address(door)[2] is None, "a pinned door: " + door)
    # The same identity, and another one: the ticket says what is fetched.
    for claimant in (identity, identity, Identity()):
        caller = connect(door)
        caller.sendall(b"before anybody listens ")
        opcode, flags, _, _, body = owner.next()
        status, remote, ticket = proxy_response(body)
        expect((opcode, flags, status) == (PROXY_RESPONSE, 0, 100), "offer: %r" % ((opcode, flags, status),))
        expect(remote == place(caller.getsockname()), "remote %s" % remote)
        circuit = dial(target, claimant)
        circuit.send(PROXY_REQUEST, u8(1) + ticket)
        caller.sendall(b"and after" * 20_000)
        caller.shutdown(socket.SHUT_WR)
        got = bytearray()
        while not got.endswith(b"before anybody listens " + b"and after" * 20_000):
            opcode, _, _, _, body = circuit.next()
            expect(opcode == BYTES, "opcode %d in a circuit" % opcode)
            got += body
        circuit.link.close()
        caller.close()
        owner.ping()
    # The other way, to its end.
    caller = connect(door)
    _, _, ticket = proxy_response(owner.next()[4])
    circuit = dial(target, identity)
    circuit.send(PROXY_REQUEST, u8(1) + ticket)
    circuit.send(BYTES, b"welcome" * 50_000)
    circuit.send(BYTES, b"", END_OF_STREAM)
    got = bytearray()
    while True:
        piece = caller.recv(65536)
        if not piece:
            break
        got += piece
    expect(bytes(got) == b"welcome" * 50_000, "%d bytes came out of the door" % len(got))
    # A door closes with the session that asked for it.
    owner.disconnect()
    for _ in range(100):
        try:
            connect(door).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise ProtocolError("the door stays open")


def client_dial_back(target):
    """The node dials the address that a peer names, and shakes hands with that peer's id there."""
    identity = Identity()
    server = listen()
    own = place(server.getsockname())
    session = dial(target, identity)
    nonce = session.next_nonce()
    session.send(REACHABILITY_REQUEST, string(own), REQUEST, nonce)
    back = accept(server, identity)
    reason, _ = back.until_disconnect()
    expect(reason == SHUTDOWN, "dialled back, then Disconnect(%d)" % reason)

    def status_of(frame):
        reader = Reader(frame[4])
        status, text = reader.u16(), reader.string()
        reader.end()
        expect(frame[0] == REACHABILITY_RESPONSE, "opcode %d" % frame[0])
        return status, text

    expect(status_of(session.reply_to(nonce))[0] == 0, "status of what was reached")
    # Somebody else answers there.
    nonce = session.next_nonce()
    session.send(REACHABILITY_REQUEST, string(own), REQUEST, nonce)
    try:
        accept(server, Identity()).close()
    except (ProtocolError, Closed, OSError, InvalidTag):
        pass
    status, text = status_of(session.reply_to(nonce))
    expect(status == 1 and text, "status of another identity: %d %r" % (status, text))
    server.close()
    status, text = status_of(session.request(REACHABILITY_REQUEST, string(own)))
    expect(status == 1 and text, "status of a closed port: %d %r" % (status, text))
    session.ping()
    session.disconnect()


# --- Servers --------------------------------------------------------------------------------------------------


def server_answers():
    """Answers until the other side says good-bye."""

    def one(link, identity):
        session = accept(None, identity, link=link)
        expect(session.remote.agent.startswith("carrier/"), "agent %r" % session.remote.agent)
        reason, text = session.until_disconnect()
        expect(reason in (SHUTDOWN, APPLICATION_CLOSED), "disconnect %d %s" % (reason, text))

    serve(one)


def server_stream():
    """Sends a byte stream with an end and takes one; acknowledges; then waits for the Disconnect."""

    def one(link, identity):
        session = accept(None, identity, link=link)
        stream_out(session, b"".join(b"line %d\n" % number for number in range(100_000)))
        got = bytearray()
        while True:
            opcode, flags, _, nonce, body = session.next()
            if opcode == DISCONNECT:
                break
            if opcode == BYTES:
                got += body
                if flags & NEEDS_ACK:
                    session.send(ACK_RESPONSE, u32(nonce), REPLY, nonce)
        say("got %d %s" % (len(got), hashlib.sha256(got).hexdigest()))

    serve(one)


def server_relay():
    """A relay: one door for each session that asks, whose address is printed; callers wait for who fetches them."""
    waiting = {}
    identity = Identity()

    def serve_door(session, door):
        while True:
            caller = door.accept()[0]
            caller.settimeout(20)
            ticket = os.urandom(16)
            waiting[ticket] = caller
            session.send(PROXY_RESPONSE, u16(100) + string(place(caller.getpeername())) + ticket)

    def pump(caller, session):
        while True:
            piece = caller.recv(30_000)
            session.send(BYTES, piece, 0 if piece else END_OF_STREAM)
            if not piece:
                return

    def one(link, identity):
        session = accept(None, identity, link=link)
        while True:
            opcode, flags, _, nonce, body = session.next()
            if opcode == DISCONNECT:
                return
            if opcode == LOOKUP_NODE_REQUEST:
                session.send(LOOKUP_NODE_RESPONSE, list_([]), REPLY, nonce)
                continue
            expect(opcode == PROXY_REQUEST, "opcode %d" % opcode)
            kind, ticket = body[0], body[1:]
            if kind == 0:
                expect(flags & REQUEST, "a request for a door that is none")
                door = listen()
                session.send(PROXY_RESPONSE, u16(0) + string(place(door.getsockname())) + bytes(16), REPLY, nonce)
                say("door %s" % place(door.getsockname()))
                threading.Thread(target=serve_door, args=(session, door), daemon=True).start()
            else:
                caller = waiting.pop(ticket)
                threading.Thread(target=pump, args=(caller, session), daemon=True).start()
                while True:
                    opcode, flags, _, nonce, body = session.next()
                    if opcode != BYTES:
                        caller.close()
                        return
                    caller.sendall(body)
                    if flags & NEEDS_ACK:
                        session.send(ACK_RESPONSE, u32(nonce), REPLY, nonce)
                    if flags & END_OF_STREAM:
                        caller.shutdown(socket.SHUT_WR)

    serve(one, identity)


if __name__ == "__main__":
    run(globals())
