import CarrierCrypto
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Preface, peer record and Hello")
struct RecordTests {
    @Test("A preface is ten bytes, and is read back")
    func preface() throws {
        #expect(Preface().encoded.array == [0x43, 0x41, 0x52, 0x52, 1, 0, 1, 0, 0, 0])
        var random = SeededRandom(1)
        for _ in 0..<100 {
            let preface = Preface(version: random.integer(), flags: random.integer(), network: random.integer())
            var bytes = preface.encoded
            bytes.writeBytes([1, 2])
            #expect(Preface(&bytes) == preface)
            #expect(bytes.array == [1, 2])
        }
    }

    @Test("Too few bytes and other magic make no preface, and take nothing away")
    func noPreface() {
        let whole = Preface().encoded
        for count in 0..<10 {
            var bytes = ByteBuffer(bytes: whole.readableBytesView.prefix(count))
            #expect(Preface(&bytes) == nil && bytes.readableBytes == count)
            #expect(Preface.canBegin(with: bytes))
        }
        for other in [
            "GET / HTTP/1.1", "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}", "carr123456",
            "CARX123456",
        ] {
            var bytes = ByteBuffer(string: other)
            let before = bytes
            #expect(Preface(&bytes) == nil && bytes == before)
            #expect(!Preface.canBegin(with: bytes))
        }
        #expect(!Preface.canBegin(with: ByteBuffer(string: "CB")))
    }

    @Test("A record is read back, and its signature holds", arguments: UInt64(0)..<20)
    func record(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let record = try random.record()
        #expect(record.isSignatureValid)
        var writer = Writer()
        record.write(to: &writer)
        var reader = Reader(writer.buffer)
        let read = try PeerRecord(from: &reader)
        try reader.finish()
        #expect(read == record && read.isSignatureValid)
        for count in 0..<writer.buffer.readableBytes {
            var reader = Reader(ByteBuffer(bytes: writer.buffer.readableBytesView.prefix(count)))
            #expect(throws: WireError.self) { try PeerRecord(from: &reader) }
        }
    }

    @Test("No byte of a record may change")
    func forgedRecord() throws {
        var random = SeededRandom(9)
        let identity = try random.identity()
        let record = try PeerRecord(
            signedBy: identity, sequence: 77, addresses: ["tcp://127.0.0.1:1", "udp://[::1]:2"])
        var writer = Writer()
        record.write(to: &writer)
        for index in 0..<writer.buffer.readableBytes {
            for mask in [UInt8(1), 0x80] {
                var altered = writer.buffer.array
                altered[index] ^= mask
                var reader = Reader(ByteBuffer(bytes: altered))
                let read = try? PeerRecord(from: &reader)
                #expect(read?.isSignatureValid != true, "byte \(index)")
            }
        }
    }

    @Test("The signature of a record covers label, zero byte and fields")
    func recordSignature() throws {
        var random = SeededRandom(10)
        let identity = try random.identity()
        let record = try PeerRecord(signedBy: identity, sequence: 0x0102, addresses: ["a"])
        let fields =
            identity.peerID.bytes.array + identity.puzzleNonce.array + [2, 1, 0, 0, 0, 0, 0, 0] + [1, 0] + [
                1, 0, 0, 0, 0x61,
            ]
        let message = Array("carrier peer record v1".utf8) + [0] + fields
        #expect(Ed25519.isValid(signature: record.signature, over: message, by: identity.peerID.bytes))
    }

    @Test("A record with too many or too long addresses is refused before it is read")
    func recordLimits() throws {
        var writer = Writer()
        writer.raw([UInt8](repeating: 1, count: 72))
        writer.list([String](repeating: "a", count: 17)) { $0.string($1) }
        var reader = Reader(writer.buffer)
        #expect(throws: WireError("addresses", at: 72, .tooLong(limit: 16, got: 17))) {
            try PeerRecord(from: &reader)
        }
        writer = Writer()
        writer.raw([UInt8](repeating: 1, count: 72))
        writer.list([String(repeating: "a", count: 256)]) { $0.string($1) }
        var second = Reader(writer.buffer)
        #expect(throws: WireError("address", at: 74, .tooLong(limit: 255, got: 256))) {
            try PeerRecord(from: &second)
        }
    }

    @Test("A Hello vouches for one static key by one identity")
    func hello() throws {
        var random = SeededRandom(11)
        let (identity, other) = (try random.identity(), try random.identity())
        let staticKey = random.bytes32()
        let hello = Hello(
            staticKeySignature: try Hello.sign(staticKey: staticKey, by: identity),
            record: try PeerRecord(signedBy: identity, sequence: 1, addresses: []), observedAddress: "tcp://1.2.3.4:5",
            agent: "carrier/0.1.0")
        #expect(hello.vouches(for: staticKey))
        #expect(!hello.vouches(for: random.bytes32()))
        var foreign = hello
        foreign.record = try PeerRecord(signedBy: other, sequence: 1, addresses: [])
        #expect(!foreign.vouches(for: staticKey))
        foreign = hello
        // The same key under another label, or none.
        foreign.staticKeySignature = try identity.key.sign(staticKey.array)
        #expect(!foreign.vouches(for: staticKey))
        foreign.staticKeySignature = [UInt8](repeating: 0, count: 64)
        #expect(!foreign.vouches(for: staticKey))

        var writer = Writer()
        hello.write(to: &writer)
        let bytes = writer.buffer.array
        var reader = Reader(writer.buffer)
        #expect(try Hello(from: &reader) == hello)
        // Later versions may add fields.
        var longer = Reader(ByteBuffer(bytes: bytes + [1, 2, 3]))
        #expect(try Hello(from: &longer) == hello)
        for count in 0..<bytes.count {
            var reader = Reader(ByteBuffer(bytes: bytes.prefix(count)))
            #expect(throws: WireError.self) { try Hello(from: &reader) }
        }
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= 4
            var reader = Reader(ByteBuffer(bytes: altered))
            guard let read = try? Hello(from: &reader) else { continue }
            // Only what is not signed here may differ: the handshake itself protects it.
            let isSigned = index < 64 + writer.buffer.readableBytes - 64 - 4 - 15 - 4 - 13
            #expect(!isSigned || !read.vouches(for: staticKey) || !read.record.isSignatureValid, "byte \(index)")
        }
    }

    @Test("An agent over 64 bytes is refused")
    func agent() throws {
        var random = SeededRandom(12)
        let hello = Hello(
            staticKeySignature: [UInt8](repeating: 0, count: 64), record: try random.record(), observedAddress: "",
            agent: String(repeating: "a", count: 65))
        var writer = Writer()
        hello.write(to: &writer)
        var reader = Reader(writer.buffer)
        let error = #expect(throws: WireError.self) { try Hello(from: &reader) }
        #expect(error?.field == "agent" && error?.problem == .tooLong(limit: 64, got: 65))
    }
}
