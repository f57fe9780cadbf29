import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import CarrierCapture

@Suite("Sessions on the wire")
struct SessionTests {
    private func direction(_ pieces: [ByteBuffer]) -> ByteBuffer {
        pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }

    @Test("Without keys: preface, handshake messages, the sizes of records")
    func withoutKeys() throws {
        let session = try SampleSession(initiator: [Ping().frame(flags: .request, nonce: 1)], responder: [])
        let decoded = try Decoded(direction(session.fromInitiator))
        #expect(decoded.kinds == ["preface", "handshake-1", "handshake-3", "record"])
        #expect(decoded.units.allSatisfy { $0.problem == nil })
        #expect(decoded.text.contains("32 bytes"))
        #expect(decoded.gaps.isEmpty)
        let answer = try Decoded(direction(session.fromResponder))
        #expect(answer.kinds == ["preface", "handshake-2"])
    }

    @Test("With keys: the frames, whatever the pieces", arguments: [1, 7, 100, Int.max])
    func withKeys(pieceSize: Int) throws {
        let frames = try Samples.frames()
        let session = try SampleSession(initiator: frames, responder: [])
        let decoded = try Decoded(direction(session.fromInitiator), pieceSize: pieceSize, session.options)
        #expect(decoded.frames == frames.map { Samples.bytes([$0]) })
        #expect(decoded.gaps.isEmpty)
    }

    @Test("An altered record is said so; the next one opens, and frames go on")
    func altered() throws {
        let frames = (1...5).map { Ping(payload: ByteBuffer(string: "abc")).frame(flags: .request, nonce: $0) }
        let session = try SampleSession(initiator: frames, responder: [])
        var pieces = session.fromInitiator
        pieces[4].setInteger(pieces[4].getInteger(at: 9, as: UInt8.self).map { $0 ^ 1 } ?? 0, at: 9)
        let decoded = try Decoded(direction(pieces), session.options)
        #expect(decoded.frames.count == 4)
        let bad = decoded.units.filter { $0.problem != nil }
        #expect(bad.map(\.kind) == ["record"])
        #expect(bad.allSatisfy { $0.failsCheck })
    }

    @Test("Rekeys are followed: the records behind 2^20 of a direction open, and those before again")
    func rekey() throws {
        let key = SecretBytes([UInt8](repeating: 5, count: 32))
        var sealer = try RecordSealer(key: key)
        var record = ByteBuffer()
        for _ in 0..<RecordSealer.rekeyInterval {
            record.clear()
            // A record of no plaintext is the cheapest that there is.
            try sealer.seal(size: 0, into: &record) { _ in }
        }
        let last = record
        record.clear()
        let frame = Samples.bytes([Ping().frame(flags: .request, nonce: 1)])
        try sealer.seal(frame, into: &record)
        var decryptor = try RecordDecryptor(key: key)
        func open(_ record: ByteBuffer, _ number: UInt64) throws -> ByteBuffer {
            try decryptor.open(record.getSlice(at: 2, length: record.readableBytes - 2) ?? record, number: number)
        }
        #expect(try open(record, RecordSealer.rekeyInterval) == frame)
        #expect(try open(last, RecordSealer.rekeyInterval - 1).readableBytes == 0)
        #expect(throws: CryptoError.authenticationFailed) { try open(record, RecordSealer.rekeyInterval - 1) }
    }

    @Test("A key log may grow: keys that come late open what comes after")
    func lateKeys() throws {
        let frames = (1...4).map { Ping(payload: ByteBuffer(string: "abc")).frame(flags: .request, nonce: $0) }
        let session = try SampleSession(initiator: frames, responder: [])
        var asked = 0
        var options = CaptureDecoder.Options()
        options.keys = { ephemeral in
            asked += 1
            return asked > 2 ? session.keyLog[ephemeral] : nil
        }
        let decoded = try Decoded(direction(session.fromInitiator), options)
        #expect(decoded.frames.count == 2)
    }

    @Test("Key log lines are read, others passed over, broken ones named")
    func keyLog() throws {
        var log = KeyLog()
        let hex = String(repeating: "ab", count: 32)
        let malformed = log.add("CLIENT_RANDOM 00 11\n\nCARRIER1 \(hex) \(hex) \(hex)\nCARRIER1 \(hex) 12\r\n")
        #expect(log.count == 1)
        #expect(malformed == [4])
        #expect(log[try #require(Bytes32(hex: hex))] != nil)
        #expect(log[.zero] == nil)
    }

    @Test("Another version is said so; a handshake message that is too long is a gap")
    func otherVersion() throws {
        let decoded = try Decoded(
            Array("CARR".utf8) + [2, 0, 1, 0, 0, 0, 0xff, 0xff] + [UInt8](repeating: 1, count: 50))
        #expect(decoded.units.map { $0.problem != nil } == [true])
        #expect(decoded.gaps.reduce(0) { $0 + $1.length } == 52)
    }
}
