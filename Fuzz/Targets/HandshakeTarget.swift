internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// The handshake over streams, both roles: whatever the other side says, a session stands only with who proved to be there.
enum HandshakeTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        switch choices.number(below: 6) {
        case 0: try foreign(to: try responder(), choices.rest())
        case 1:
            let start = try initiator()
            try foreign(to: start.handshake, choices.rest())
        case 2: try foreign(to: try responder(authenticated: FuzzCast.members[0].peer), choices.rest())
        case 3: try altered(&choices)
        case 4: try helloToResponder(&choices)
        default: try helloToInitiator(&choices)
        }
    }

    private static func responder(authenticated: PeerID? = nil) throws -> StreamHandshake {
        StreamHandshake(
            responderWith: try FuzzCast.pair.get()[1], record: FuzzCast.members[1].record,
            observedAddress: "tcp://192.0.2.1:1", authenticated: authenticated)
    }

    private struct Initiator: ~Copyable {
        var handshake: StreamHandshake
        let first: ByteBuffer
    }

    private static func initiator() throws -> Initiator {
        var first = ByteBuffer()
        let handshake = try StreamHandshake(
            initiatorWith: try FuzzCast.pair.get()[0], record: FuzzCast.members[0].record,
            observedAddress: "tcp://192.0.2.2:1", pinned: nil, send: &first)
        return Initiator(handshake: handshake, first: first)
    }

    /// Nobody's bytes, in ever smaller pieces: no session can come of them. A Hello in the clear may name who the link has
    /// authenticated, but nobody can sign for that one here.
    private static func foreign(to handshake: consuming StreamHandshake, _ bytes: ByteBuffer) throws {
        var bytes = bytes
        while let piece = bytes.readSlice(length: (bytes.readableBytes + 1) / 2), piece.readableBytes > 0 {
            switch handshake.receive(piece) {
            case .more: continue
            case .failed: return
            case .established: throw FuzzFailure("a session with nobody")
            }
        }
    }

    /// An honest handshake with a byte changed in one of its messages never ends in a session on both sides.
    private static func altered(_ choices: inout Choices) throws {
        let number = choices.number(below: 4)
        let place = choices.number(below: 512)
        let change = choices.byte()
        var hasChanged = false
        func pass(_ message: ByteBuffer, _ index: Int) -> ByteBuffer {
            guard index == number, change != 0, message.readableBytes > 0 else { return message }
            var message = message
            let position = message.readerIndex + place % message.readableBytes
            message.setInteger((message.getInteger(at: position) ?? 0) ^ change, at: position)
            hasChanged = true
            return message
        }
        let start = try initiator()
        var dialler = start.handshake
        var listener = try responder()
        guard case .more(let answer?) = listener.receive(pass(start.first, 1)) else {
            return try expect(hasChanged, "message 1 is refused")
        }
        guard case .established(let third?, _) = dialler.receive(pass(answer, 2)) else {
            return try expect(hasChanged, "message 2 is refused")
        }
        try expect(!hasChanged, "an altered message passes the initiator")
        guard case .established(_, let session) = listener.receive(pass(third, 3)) else {
            return try expect(hasChanged, "message 3 is refused")
        }
        try expect(!hasChanged, "an altered message passes the responder")
        try expect(session.hello.record.peer == FuzzCast.members[0].peer, "a session with somebody else")
    }

    /// An honest Hello, changed at some places and with more behind it, or no Hello at all.
    private static func hello(_ index: Int, _ choices: inout Choices) throws -> ByteBuffer {
        if choices.byte() % 4 == 0 { return choices.rest() }
        var writer = Writer()
        Hello(
            staticKeySignature: try FuzzCast.pair.get()[index].staticKeySignature,
            record: FuzzCast.members[index].record, observedAddress: "tcp://192.0.2.2:1", agent: "fuzz/1"
        ).write(to: &writer)
        var hello = writer.buffer
        for _ in 0..<choices.number(below: 4) {
            let place = choices.number(below: hello.readableBytes)
            hello.setInteger(choices.byte(), at: place)
        }
        hello.writeImmutableBuffer(choices.rest())
        return hello
    }

    private static func framed(_ message: ByteBuffer) -> ByteBuffer {
        var output = ByteBuffer()
        output.writeInteger(UInt16(truncatingIfNeeded: message.readableBytes), endianness: .little)
        output.writeImmutableBuffer(message)
        return output
    }

    /// Message 3 of somebody who knows the protocol and says anything.
    private static func helloToResponder(_ choices: inout Choices) throws {
        var listener = try responder()
        let preface = Preface().encoded
        var first = ByteBuffer()
        let awaiting = try NoiseXX.Initiator(
            prologue: preface, staticKey: try FuzzCast.pair.get()[0].staticKey, ephemeral: .generate()
        ).writeMessage1(into: &first)
        var opening = preface
        opening.writeImmutableBuffer(framed(first))
        guard case .more(var answer?) = listener.receive(opening) else { throw FuzzFailure("message 1 is refused") }
        answer.moveReaderIndex(forwardBy: Preface.size + 2)
        var received = NoiseXX.Received()
        let before = try awaiting.readMessage2(answer, received: &received)
        var third = ByteBuffer()
        _ = try before.writeMessage3(payload: try hello(0, &choices), into: &third)
        if case .established(_, let session) = listener.receive(framed(third)) {
            try expect(session.hello.record == FuzzCast.members[0].record, "a session with somebody else")
        }
    }

    /// Message 2 of somebody who knows the protocol and says anything.
    private static func helloToInitiator(_ choices: inout Choices) throws {
        let start = try initiator()
        var first = start.first
        var dialler = start.handshake
        guard let preface = first.readSlice(length: Preface.size) else { return }
        first.moveReaderIndex(forwardBy: 2)
        var payload = ByteBuffer()
        let before = try NoiseXX.Responder(
            prologue: preface, staticKey: try FuzzCast.pair.get()[1].staticKey, ephemeral: .generate()
        ).readMessage1(first, payload: &payload)
        var second = ByteBuffer()
        _ = try before.writeMessage2(payload: try hello(1, &choices), into: &second)
        var answer = Preface().encoded
        answer.writeImmutableBuffer(framed(second))
        if case .established(_, let session) = dialler.receive(answer) {
            try expect(session.hello.record == FuzzCast.members[1].record, "a session with somebody else")
        }
    }
}
