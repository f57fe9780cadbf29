import CarrierCrypto
import CarrierTesting
import Testing

/// The test vectors that the RFCs themselves print.
@Suite("RFC 7748 and RFC 8032")
struct RFCTests {
    private struct File: Decodable {
        struct Agreement: Decodable {
            struct Multiplication: Decodable { let k, u, out: HexBytes }
            struct DiffieHellman: Decodable {
                let alicePrivate, alicePublic, bobPrivate, bobPublic, shared: HexBytes

                private enum CodingKeys: String, CodingKey {
                    case alicePrivate = "alice_priv"
                    case alicePublic = "alice_pub"
                    case bobPrivate = "bob_priv"
                    case bobPublic = "bob_pub"
                    case shared
                }
            }
            let scalarmult: [Multiplication]
            let iterated: [String: HexBytes]
            let dh: DiffieHellman
        }
        struct Signature: Decodable { let sk, pk, msg, sig: HexBytes }
        let rfc7748: Agreement
        let rfc8032: [Signature]
    }

    private func multiply(_ scalar: [UInt8], _ point: [UInt8]) throws -> [UInt8] {
        let key = try X25519.PrivateKey(SecretBytes(scalar))
        return try key.sharedSecret(with: try #require(Bytes32(point))).withUnsafeBytes { Array($0) }
    }

    @Test("X25519 multiplies", .vectors("rfc-7748-8032.json"))
    func multiplication() throws {
        for vector in try VectorFolder.decode(File.self, from: "rfc-7748-8032.json").rfc7748.scalarmult {
            #expect(try multiply(vector.k.bytes, vector.u.bytes) == vector.out.bytes)
        }
    }

    @Test(
        "X25519 multiplies a thousand times", .vectors("rfc-7748-8032.json"))
    func iteration() throws {
        let expected = try VectorFolder.decode(File.self, from: "rfc-7748-8032.json").rfc7748.iterated
        var scalar = [9] + [UInt8](repeating: 0, count: 31)
        var point = scalar
        for round in 1...1000 {
            let next = try multiply(scalar, point)
            point = scalar
            scalar = next
            if let wanted = expected["\(round)"] { #expect(scalar == wanted.bytes, "after \(round)") }
        }
    }

    @Test("X25519 agrees on one secret", .vectors("rfc-7748-8032.json"))
    func agreement() throws {
        let vector = try VectorFolder.decode(File.self, from: "rfc-7748-8032.json").rfc7748.dh
        let alice = try X25519.PrivateKey(vector.alicePrivate.secret)
        let bob = try X25519.PrivateKey(vector.bobPrivate.secret)
        #expect(alice.publicKey.array == vector.alicePublic.bytes)
        #expect(bob.publicKey.array == vector.bobPublic.bytes)
        #expect(try alice.sharedSecret(with: bob.publicKey).withUnsafeBytes { Array($0) } == vector.shared.bytes)
        #expect(try bob.sharedSecret(with: alice.publicKey).withUnsafeBytes { Array($0) } == vector.shared.bytes)
    }

    @Test("Ed25519 signs and verifies", .vectors("rfc-7748-8032.json"))
    func signatures() throws {
        let vectors = try VectorFolder.decode(File.self, from: "rfc-7748-8032.json").rfc8032
        #expect(vectors.count >= 3)
        for vector in vectors {
            let key = try Ed25519.SigningKey(seed: vector.sk.secret)
            #expect(key.publicKey.array == vector.pk.bytes)
            #expect(try key.sign(vector.msg.bytes) == vector.sig.bytes)
            #expect(Ed25519.isValid(signature: vector.sig.bytes, over: vector.msg.bytes, by: key.publicKey))
            #expect(!Ed25519.isValid(signature: vector.sig.bytes, over: vector.msg.bytes + [0], by: key.publicKey))
        }
    }
}
