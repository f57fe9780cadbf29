import CarrierCrypto
import CarrierWire
import NIOCore
import Testing

@testable import CarrierProtocols

@Suite("Signatures that are remembered")
struct SignatureMemoryTests {
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

        var digest: Bytes32 {
            SignatureMemory.digest(.noise) { writer in
                writer.raw32(staticKey)
                writer.raw(hello.staticKeySignature)
                hello.record.write(to: &writer)
            }
        }
    }

    private func terms(knowing memory: SignatureMemory) async throws -> HandshakeTerms {
        let own = try await Terms.make()
        return try HandshakeTerms(
            identity: own.identity, staticKey: own.staticKey, agent: "test/1", memory: memory)
    }

    @Test("a word that held is remembered; a word with one other bit is checked, and refused")
    func forgeries() async throws {
        let memory = SignatureMemory(limit: 8)
        let terms = try await terms(knowing: memory)
        let word = try Word(of: await Terms.make())
        #expect(!memory.contains(word.digest))
        try terms.check(word.hello, staticKey: word.staticKey, pinned: nil)
        #expect(memory.contains(word.digest))
        try terms.check(word.hello, staticKey: word.staticKey, pinned: nil)

        // What held over Noise says nothing of a link that vouches itself, nor the other way round.
        #expect(!memory.contains(SignatureMemory.digest(.certified) { word.hello.record.write(to: &$0) }))
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
        let memory = SignatureMemory(limit: 2)
        let terms = try await terms(knowing: memory)
        let peer = try await Terms.make()
        let words = try (1...3).map { try Word(of: peer, sequence: $0) }
        var liar = words[0]
        liar.hello.staticKeySignature[0] ^= 1
        #expect(throws: HandshakeError.staticKeySignatureInvalid) {
            try terms.check(liar.hello, staticKey: liar.staticKey, pinned: nil)
        }
        #expect(!memory.contains(liar.digest))
        for word in words { try terms.check(word.hello, staticKey: word.staticKey, pinned: nil) }
        #expect(words.map { memory.contains($0.digest) } == [false, true, true])

        let records = SignatureMemory(limit: 8)
        let verifier = SignatureVerifier(memory: records)
        #expect(verifier.verify(words[0].hello.record) != nil)
        #expect(records.contains(SignatureMemory.digest(.record) { words[0].hello.record.write(to: &$0) }))
        #expect(verifier.verify(words[0].hello.record)?.peer == peer.identity.peerID)

        let none = SignatureMemory(limit: 0)
        none.insert(words[0].digest)
        #expect(!none.contains(words[0].digest))
    }
}
