import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import NIOCore
import Testing

@Suite("Noise_XX_25519_AESGCM_SHA256")
struct NoiseTests {
    private static let file = "noise-xx-25519-aesgcm-sha256.json"

    private struct File: Decodable {
        struct Vector: Decodable {
            struct Message: Decodable { let payload, ciphertext: HexBytes }
            let prologue, initiatorStatic, initiatorEphemeral, responderStatic, responderEphemeral, hash: HexBytes
            let messages: [Message]

            private enum CodingKeys: String, CodingKey {
                case prologue = "init_prologue"
                case initiatorStatic = "init_static"
                case initiatorEphemeral = "init_ephemeral"
                case responderStatic = "resp_static"
                case responderEphemeral = "resp_ephemeral"
                case hash = "handshake_hash"
                case messages
            }
        }
        let vectors: [Vector]
    }

    @Test("cacophony's vector, byte for byte, from both sides", .vectors(file))
    func vector() throws {
        let vectors = try VectorFolder.decode(File.self, from: Self.file).vectors
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let prologue = ByteBuffer(bytes: vector.prologue.bytes)
            let payloads = vector.messages.map { ByteBuffer(bytes: $0.payload.bytes) }
            let initiator = NoiseXX.Initiator(
                prologue: prologue, staticKey: try X25519.PrivateKey(vector.initiatorStatic.secret),
                ephemeral: try X25519.PrivateKey(vector.initiatorEphemeral.secret))
            let responder = NoiseXX.Responder(
                prologue: prologue, staticKey: try X25519.PrivateKey(vector.responderStatic.secret),
                ephemeral: try X25519.PrivateKey(vector.responderEphemeral.secret))
            var (first, second, third, payload) = (ByteBuffer(), ByteBuffer(), ByteBuffer(), ByteBuffer())
            var received = NoiseXX.Received()

            let awaitingSecond = try initiator.writeMessage1(payload: payloads[0], into: &first)
            #expect(Array(buffer: first) == vector.messages[0].ciphertext.bytes)
            let beforeSecond = try responder.readMessage1(first, payload: &payload)
            #expect(payload == payloads[0])

            let awaitingThird = try beforeSecond.writeMessage2(payload: payloads[1], into: &second)
            #expect(Array(buffer: second) == vector.messages[1].ciphertext.bytes)
            let beforeThird = try awaitingSecond.readMessage2(second, received: &received)
            #expect(received.payload == payloads[1])
            #expect(received.staticKey == (try X25519.PrivateKey(vector.responderStatic.secret)).publicKey)

            let ours = try beforeThird.writeMessage3(payload: payloads[2], into: &third)
            #expect(Array(buffer: third) == vector.messages[2].ciphertext.bytes)
            let theirs = try awaitingThird.readMessage3(third, received: &received)
            #expect(received.payload == payloads[2])
            #expect(received.staticKey == (try X25519.PrivateKey(vector.initiatorStatic.secret)).publicKey)
            #expect(ours.handshakeHash.array == vector.hash.bytes && theirs.handshakeHash == ours.handshakeHash)

            // The transport messages: the responder's first, then in turns.
            var sealers = (try RecordSealer(key: theirs.responderToInitiator), try RecordSealer(key: ours.initiatorToResponder))
            var openers = (try RecordOpener(key: ours.responderToInitiator), try RecordOpener(key: theirs.initiatorToResponder))
            for index in vector.messages.indices.dropFirst(3) {
                let isResponders = index % 2 == 1
                var (record, plaintext) = (ByteBuffer(), ByteBuffer())
                if isResponders {
                    try sealers.0.seal(payloads[index], into: &record)
                } else {
                    try sealers.1.seal(payloads[index], into: &record)
                }
                #expect(Array(Array(buffer: record).dropFirst(2)) == vector.messages[index].ciphertext.bytes)
                if isResponders {
                    try openers.0.open(&record, into: &plaintext)
                } else {
                    try openers.1.open(&record, into: &plaintext)
                }
                #expect(plaintext == payloads[index])
            }
        }
    }
}
