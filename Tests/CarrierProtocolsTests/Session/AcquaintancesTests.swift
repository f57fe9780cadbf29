import CarrierCrypto
import CarrierWire
import NIOCore
import Testing

@testable import CarrierProtocols

@Suite("Acquaintances")
struct AcquaintancesTests {
    /// A word about itself, and the static key that it vouches for.
    private struct Word {
        var hello: Hello
        var staticKey: Bytes32

        init(of terms: HandshakeTerms, sequence: UInt64 = 1) throws {
            let record = try PeerRecord(signedBy: terms.identity, sequence: sequence, addresses: ["tcp://192.0.2.1:1"])
            hello = Hello(
                staticKeySignature: terms.staticKeySignature, record: record, observedAddress: "", agent: "test/1")
            staticKey = terms.staticKey.publicKey
        }

        var digest: Bytes32 { Acquaintances.digest(of: hello, staticKey: staticKey) }
    }

    private func terms(knowing acquaintances: Acquaintances) async throws -> HandshakeTerms {
        let own = try await Terms.make()
        return try HandshakeTerms(
            identity: own.identity, staticKey: own.staticKey, agent: "test/1", acquaintances: acquaintances)
    }

    @Test("a word that held is remembered; a word with one other bit is checked, and refused")
    func forgeries() async throws {
        let acquaintances = Acquaintances(limit: 8)
        let terms = try await terms(knowing: acquaintances)
        let word = try Word(of: await Terms.make())
        #expect(!acquaintances.contains(word.digest))
        try terms.check(word.hello, staticKey: word.staticKey, pinned: nil)
        #expect(acquaintances.contains(word.digest))
        try terms.check(word.hello, staticKey: word.staticKey, pinned: nil)

        let stranger = try Word(of: await Terms.make())
        #expect(throws: HandshakeError.staticKeySignatureInvalid) {
            try terms.check(word.hello, staticKey: stranger.staticKey, pinned: nil)
        }
        var writer = Writer()
        word.hello.write(to: &writer)
        let bytes = Array(writer.buffer.readableBytesView)
        for position in bytes.indices.dropLast(2 + word.hello.agent.utf8.count) {
            var forged = bytes
            forged[position] ^= 1
            var reader = Reader(ByteBuffer(bytes: forged))
            // What is no Hello any more is refused before anybody looks at signatures.
            guard let hello = try? Hello(from: &reader), hello.observedAddress == word.hello.observedAddress else {
                continue
            }
            #expect(throws: HandshakeError.self, "byte \(position)") {
                try terms.check(hello, staticKey: word.staticKey, pinned: nil)
            }
        }
    }

    @Test("what did not hold is not remembered; what holds is only so much, the oldest goes")
    func bounds() async throws {
        let acquaintances = Acquaintances(limit: 2)
        let terms = try await terms(knowing: acquaintances)
        let peer = try await Terms.make()
        let words = try (1...3).map { try Word(of: peer, sequence: $0) }
        var liar = words[0]
        liar.hello.staticKeySignature[0] ^= 1
        #expect(throws: HandshakeError.staticKeySignatureInvalid) {
            try terms.check(liar.hello, staticKey: liar.staticKey, pinned: nil)
        }
        #expect(!acquaintances.contains(liar.digest))
        for word in words { try terms.check(word.hello, staticKey: word.staticKey, pinned: nil) }
        #expect(words.map { acquaintances.contains($0.digest) } == [false, true, true])

        let none = Acquaintances(limit: 0)
        none.insert(words[0].digest)
        #expect(!none.contains(words[0].digest))
    }
}
