import Testing

@testable import CarrierCrypto

@Suite("Keys and signatures")
struct SignatureTests {
    @Test("A signature fits its message and its key, and no other")
    func fit() throws {
        let key = try Ed25519.SigningKey.generate()
        let other = try Ed25519.SigningKey.generate()
        for size in [0, 1, 100, 5000] {
            let message = SystemRandom.bytes(size)
            let signature = try key.sign(message)
            #expect(Ed25519.isValid(signature: signature, over: message, by: key.publicKey))
            #expect(!Ed25519.isValid(signature: signature, over: message, by: other.publicKey))
            #expect(!Ed25519.isValid(signature: signature, over: message + [0], by: key.publicKey))
        }
    }

    @Test("No bit of a signature may change")
    func bitFlips() throws {
        let key = try Ed25519.SigningKey.generate()
        let signature = try key.sign([1, 2, 3])
        for bit in 0..<512 {
            var altered = signature
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!Ed25519.isValid(signature: altered, over: [1, 2, 3], by: key.publicKey), "bit \(bit)")
        }
        for count in [0, 1, 63, 65, 128] {
            let other = Array((signature + signature).prefix(count))
            #expect(!Ed25519.isValid(signature: other, over: [1, 2, 3], by: key.publicKey))
        }
    }

    @Test("A key of low order signs nothing, although the equation holds for it")
    func lowOrder() throws {
        // With A the neutral element, R the neutral element and S = 0 the equation S·B = R + k·A holds for any message.
        let neutral = [1] + [UInt8](repeating: 0, count: 31)
        let forged = neutral + [UInt8](repeating: 0, count: 32)
        let points = [
            neutral, [0xee] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
            [1] + [UInt8](repeating: 0, count: 30) + [0x80],
        ]
        for point in points {
            let key = try #require(Bytes32(point))
            #expect(Ed25519.isOfLowOrder(key))
            #expect(!Ed25519.isValid(signature: forged, over: Array("anything".utf8), by: key))
        }
        #expect(!Ed25519.isOfLowOrder(try Ed25519.SigningKey.generate().publicKey))
    }

    @Test("A label keeps signatures apart")
    func labels() {
        #expect(Ed25519.labelled("ab", [1, 2]) == [0x61, 0x62, 0, 1, 2])
        #expect(Ed25519.labelled("ab", []) != Ed25519.labelled("a", Array("b".utf8)))
    }

    @Test("Seeds and secrets of other sizes are refused", arguments: [0, 1, 31, 33, 64])
    func sizes(count: Int) {
        let bytes = SecretBytes([UInt8](repeating: 1, count: count))
        #expect(throws: CryptoError.malformedKey(expected: "an Ed25519 seed of 32 bytes", got: "\(count) bytes")) {
            try Ed25519.SigningKey(seed: bytes)
        }
        #expect(throws: CryptoError.malformedKey(expected: "an X25519 key of 32 bytes", got: "\(count) bytes")) {
            try X25519.PrivateKey(bytes)
        }
    }

    @Test("Two fresh X25519 keys agree")
    func agreement() throws {
        for _ in 0..<20 {
            let (one, two) = (try X25519.PrivateKey.generate(), try X25519.PrivateKey.generate())
            let first = try one.sharedSecret(with: two.publicKey).withUnsafeBytes { Array($0) }
            #expect(try two.sharedSecret(with: one.publicKey).withUnsafeBytes { Array($0) } == first)
        }
    }

    @Test("Failures leave nothing in libcrypto's error queue for the next call to find")
    func errorQueue() throws {
        let key = try X25519.PrivateKey.generate()
        #expect(throws: CryptoError.lowOrderPoint) { try key.sharedSecret(with: .zero) }
        _ = Ed25519.isValid(
            signature: [UInt8](repeating: 0xff, count: 64), over: [],
            by: .init([UInt8](repeating: 2, count: 32)) ?? .zero)
        #expect(throws: IdentityFormatError.missing("PRIVATE KEY")) { try Identity(pem: SecretBytes([])) }
        #expect(OpenSSL.failure("nothing") == .library(operation: "nothing", reason: "error 0"))
    }
}
