import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("The handshake over a stream")
struct StreamHandshakeTests {
    @Test("pieces of every size lead to the same session, and records behind it are kept")
    func pieces() async throws {
        let (ours, theirs) = (try await Terms.make(), try await Terms.make())
        for piece in Array(1...120) + [150, 200, 256, 300, 400, 1000, .max] {
            let initiator = try HandshakeSide(initiator: ours, pinned: theirs.identity.peerID)
            let responder = try HandshakeSide(responder: theirs)
            responder.take(initiator.say(), piece: piece)
            initiator.take(responder.say(), piece: piece)
            var third = initiator.say()
            third.writeImmutableBuffer(try initiator.seal("first words"))
            responder.take(third, piece: piece)
            #expect(initiator.peer == theirs.identity.peerID && responder.peer == ours.identity.peerID, "\(piece)")
            #expect(try responder.open() == "first words", "\(piece)")
            let answer = try responder.seal("and an answer")
            #expect(try initiator.open(answer) == "and an answer", "\(piece)")
        }
    }

    @Test("one bit flipped in any byte of any message fails, and never leaves half a session")
    func flips() async throws {
        let (ours, theirs) = (try await Terms.make(bits: 0, minimum: 0), try await Terms.make(bits: 0, minimum: 0))
        var flipped = 0
        for message in 1...3 {
            var index = 0
            var length = 1
            while index < length {
                let initiator = try HandshakeSide(initiator: ours)
                let responder = try HandshakeSide(responder: theirs)
                for step in 1...3 {
                    var bytes = step == 2 ? responder.say() : initiator.say()
                    if step == message {
                        length = bytes.readableBytes
                        let position = bytes.readerIndex + index
                        let old = bytes.getInteger(at: position, as: UInt8.self) ?? 0
                        bytes.setInteger(old ^ 1 << UInt8(index % 8), at: position)
                    }
                    if step == 2 { initiator.take(bytes) } else { responder.take(bytes) }
                }
                // Message 3 goes out before the responder has seen it; so the initiator's side alone may stand then.
                #expect(!responder.isEstablished, "byte \(index) of message \(message)")
                if message < 3 { #expect(!initiator.isEstablished, "byte \(index) of message \(message)") }
                if message == 2 {
                    #expect(initiator.say().readableBytes == 0, "byte \(index) of message 2 is answered")
                }
                index += 1
                flipped += 1
            }
        }
        #expect(flipped > 44 + 300 + 300)
    }

    @Test("another network or version is named on both sides, before identities are shown")
    func networks() async throws {
        let (ours, theirs) = (try await Terms.make(network: 7), try await Terms.make(network: 1))
        let initiator = try HandshakeSide(initiator: ours)
        let responder = try HandshakeSide(responder: theirs)
        responder.take(initiator.say())
        #expect(responder.error == .networkMismatch(ours: 1, theirs: 7))
        let answer = responder.say()
        #expect(answer == Preface(network: 1).encoded)
        initiator.take(answer)
        #expect(initiator.error == .networkMismatch(ours: 7, theirs: 1))
        #expect(initiator.say().readableBytes == 0)

        let second = try HandshakeSide(responder: theirs)
        second.take(Preface(version: 2, network: 1).encoded)
        #expect(second.error == .versionMismatch(ours: 1, theirs: 2))
        #expect(second.say() == Preface(network: 1).encoded)
    }

    @Test("bytes that are not carrier's are refused at the first one that differs, in silence")
    func strangers() async throws {
        let terms = try await Terms.make()
        for text in ["GET / HTTP/1.1", "SSH-2.0", "CARS", "CaRR", "\u{16}\u{3}\u{1}", "\0\0\0\0"] {
            let differs = zip(text.utf8, "CARR".utf8).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
            let responder = try HandshakeSide(responder: terms)
            for (index, byte) in text.utf8.prefix(4).enumerated() {
                responder.take(ByteBuffer(bytes: [byte]))
                #expect((responder.error == .notCarrier) == (index >= differs), "\(text) at \(index)")
            }
            #expect(responder.say().readableBytes == 0)
        }
    }

    @Test("a length over the limit is judged by the prefix alone")
    func tooLong() async throws {
        let terms = try await Terms.make()
        for length in [4097, 65535] {
            let responder = try HandshakeSide(responder: terms)
            var bytes = Preface(network: 1).encoded
            bytes.writeInteger(UInt16(length), endianness: .little)
            responder.take(bytes)
            #expect(responder.error == .messageTooLong(limit: 4096, got: length))
        }
    }

    @Test("every shorter message is refused, whatever its length", arguments: [0, 1, 31, 33, 95])
    func tooShort(length: Int) async throws {
        let responder = try HandshakeSide(responder: try await Terms.make())
        var bytes = Preface(network: 1).encoded
        bytes.writeInteger(UInt16(length), endianness: .little)
        bytes.writeRepeatingByte(9, count: length)
        responder.take(bytes)
        #expect(responder.error != nil && responder.say().readableBytes == 0)
    }

    @Test("what comes behind message 1 before its answer is out of turn")
    func outOfTurn() async throws {
        let (ours, theirs) = (try await Terms.make(), try await Terms.make())
        let initiator = try HandshakeSide(initiator: ours)
        let responder = try HandshakeSide(responder: theirs)
        var bytes = initiator.say()
        bytes.writeRepeatingByte(0, count: 70)
        responder.take(bytes)
        #expect(responder.error == .outOfTurn(70) && responder.say().readableBytes == 0)
    }

    @Test("a pinned peer, a weak identity and our own are refused by name")
    func identities() async throws {
        let (ours, theirs) = (try await Terms.make(), try await Terms.make())
        let other = try await Terms.make()

        var initiator = try HandshakeSide(initiator: ours, pinned: other.identity.peerID)
        var responder = try HandshakeSide(responder: theirs)
        responder.take(initiator.say())
        initiator.take(responder.say())
        #expect(initiator.error == .wrongPeer(expected: other.identity.peerID, got: theirs.identity.peerID))
        #expect(initiator.say().readableBytes == 0)

        let mirror = try HandshakeSide(initiator: ours)
        let twin = try await Terms.make(identity: ours.identity)
        responder = try HandshakeSide(responder: twin)
        responder.take(mirror.say())
        mirror.take(responder.say())
        #expect(mirror.error == .dialledSelf)

        var weak = try await IdentitySearch(Puzzle.Difficulty(staticBits: 0, dynamicBits: 8), threads: 1).run()
        while weak.solved.staticBits >= 8 {
            weak = try await IdentitySearch(Puzzle.Difficulty(staticBits: 0, dynamicBits: 8), threads: 1).run()
        }
        initiator = try HandshakeSide(initiator: try await Terms.make(identity: weak))
        responder = try HandshakeSide(responder: theirs)
        responder.take(initiator.say())
        initiator.take(responder.say())
        responder.take(initiator.say())
        #expect(
            responder.error
                == .puzzleNotSolved(expected: Puzzle.Difficulty(), got: weak.solved))
    }

    @Test("a responder that refuses message 3 says why, in a Disconnect")
    func farewell() async throws {
        let initiator = try HandshakeSide(initiator: try await Terms.make(bits: 0, minimum: 0))
        let responder = try HandshakeSide(responder: try await Terms.make(minimum: 200))
        responder.take(initiator.say())
        initiator.take(responder.say())
        responder.take(initiator.say())
        var (sealed, plaintext) = (responder.say(), ByteBuffer())
        try initiator.openRaw(&sealed, into: &plaintext)
        var decoder = FrameDecoder()
        decoder.feed(plaintext)
        let frame = try #require(try decoder.next())
        #expect(frame.opcode == .disconnect)
        #expect(try Disconnect(fields: frame.body).reason == .puzzleNotSolved)
    }

    @Test("checks come in the order of the page: record, static key, puzzles, pinned id, own id")
    func order() async throws {
        let terms = try await Terms.make(minimum: 200)
        let key = try X25519.PrivateKey.generate().publicKey
        let other = try await Terms.make()
        let good = try PeerRecord(signedBy: terms.identity, sequence: 1, addresses: [])
        // One flipped byte of the sequence leaves a record that reads well and is not signed.
        var writer = Writer()
        good.write(to: &writer)
        var bytes = writer.buffer
        bytes.setInteger(UInt8(0xff), at: bytes.readerIndex + 64)
        var reader = Reader(bytes)
        let forged = try PeerRecord(from: &reader)
        let signature = try Hello.sign(staticKey: key, by: terms.identity)
        func hello(_ record: PeerRecord, _ signature: [UInt8]) -> Hello {
            Hello(staticKeySignature: signature, record: record, observedAddress: "", agent: "")
        }
        func failure(_ hello: Hello, _ terms: HandshakeTerms, _ pinned: PeerID?) -> HandshakeError? {
            do throws(HandshakeError) {
                try terms.check(hello, staticKey: key, pinned: pinned)
                return nil
            } catch { return error }
        }
        let pin = other.identity.peerID
        let bad = [UInt8](repeating: 0, count: 64)
        var lax = terms
        lax.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        #expect(failure(hello(forged, bad), terms, pin) == .recordSignatureInvalid)
        #expect(failure(hello(good, bad), terms, pin) == .staticKeySignatureInvalid)
        #expect(
            failure(hello(good, signature), terms, pin)
                == .puzzleNotSolved(expected: terms.minimum, got: terms.identity.solved))
        #expect(failure(hello(good, signature), lax, pin) == .wrongPeer(expected: pin, got: terms.identity.peerID))
        #expect(failure(hello(good, signature), lax, nil) == .dialledSelf)
    }

    @Test("garbage of any length neither traps nor stands")
    func garbage() async throws {
        let (ours, theirs) = (try await Terms.make(), try await Terms.make())
        var random = SeededRandom(7)
        for round in 0..<2000 {
            let count = Int.random(in: 0...600, using: &random)
            var bytes = round % 2 == 0 ? Preface(network: 1).encoded : ByteBuffer()
            if round % 4 == 0 { bytes.writeInteger(UInt16(count), endianness: .little) }
            for _ in 0..<count { bytes.writeInteger(UInt8.random(in: 0...255, using: &random)) }
            if round % 3 == 0 {
                let initiator = try HandshakeSide(initiator: ours)
                initiator.take(bytes)
                #expect(!initiator.isEstablished)
            } else {
                let responder = try HandshakeSide(responder: theirs)
                responder.take(bytes)
                #expect(!responder.isEstablished)
            }
        }
    }
}
