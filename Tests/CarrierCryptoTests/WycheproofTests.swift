import CarrierCrypto
import CarrierTesting
import Testing

@Suite("Wycheproof")
struct WycheproofTests {
    private struct Nothing: Decodable, Sendable {}

    @Test("Ed25519: all 151 cases", .vectors("ed25519_test.json"))
    func ed25519() throws {
        struct Group: Decodable, Sendable {
            struct Key: Decodable, Sendable { let pk: HexBytes }
            let publicKey: Key
        }
        struct Case: Decodable, Sendable { let msg, sig: HexBytes }
        let cases = try VectorFolder.decode(Wycheproof<Group, Case>.self, from: "ed25519_test.json").cases
        #expect(cases.count == 151)
        for (group, test) in cases {
            let key = try #require(Bytes32(group.publicKey.pk.bytes))
            let valid = Ed25519.isValid(signature: test.values.sig.bytes, over: test.values.msg.bytes, by: key)
            #expect(valid == (test.result == .valid), "case \(test.id) \(test.comment) \(test.flags)")
        }
    }

    @Test("X25519: all 518 cases", .vectors("x25519_test.json"))
    func x25519() throws {
        struct Case: Decodable, Sendable { let `public`, `private`, shared: HexBytes }
        let cases = try VectorFolder.decode(Wycheproof<Nothing, Case>.self, from: "x25519_test.json").cases
        #expect(cases.count == 518)
        for (_, test) in cases {
            let key = try X25519.PrivateKey(test.values.private.secret)
            let peer = try #require(Bytes32(test.values.public.bytes))
            if test.flags.contains("ZeroSharedSecret") {
                #expect(throws: CryptoError.lowOrderPoint, "case \(test.id)") { try key.sharedSecret(with: peer) }
            } else {
                // "Acceptable" twist and non-canonical points give the secret that RFC 7748 defines.
                let shared = try key.sharedSecret(with: peer).withUnsafeBytes { Array($0) }
                #expect(shared == test.values.shared.bytes, "case \(test.id) \(test.comment)")
            }
        }
    }

    @Test(
        "AES-GCM: all 66 cases of 256/96/128",
        .vectors("aes_gcm_test.json"))
    func aesGCM() throws {
        struct Group: Decodable, Sendable { let keySize, ivSize, tagSize: Int }
        struct Case: Decodable, Sendable { let key, iv, aad, msg, ct, tag: HexBytes }
        let cases = try VectorFolder.decode(Wycheproof<Group, Case>.self, from: "aes_gcm_test.json").cases
            .filter { $0.group.keySize == 256 && $0.group.ivSize == 96 && $0.group.tagSize == 128 }
        #expect(cases.count == 66)
        for (_, test) in cases {
            let values = test.values
            let sealed = values.ct.bytes + values.tag.bytes
            if test.result == .valid {
                #expect(
                    try seal(values.msg.bytes, key: values.key.bytes, nonce: values.iv.bytes, data: values.aad.bytes)
                        == sealed, "case \(test.id)")
                #expect(
                    try open(sealed, key: values.key.bytes, nonce: values.iv.bytes, data: values.aad.bytes)
                        == values.msg.bytes, "case \(test.id)")
            } else {
                #expect(throws: CryptoError.authenticationFailed, "case \(test.id) \(test.comment)") {
                    try open(sealed, key: values.key.bytes, nonce: values.iv.bytes, data: values.aad.bytes)
                }
            }
        }
    }

    @Test(
        "AES-GCM: what is not 256/96 is refused",
        .vectors("aes_gcm_test.json"))
    func aesGCMOfOtherSizes() throws {
        struct Group: Decodable, Sendable { let keySize, ivSize: Int }
        struct Case: Decodable, Sendable { let key, iv, msg: HexBytes }
        let cases = try VectorFolder.decode(Wycheproof<Group, Case>.self, from: "aes_gcm_test.json").cases
            .filter { $0.group.keySize != 256 || $0.group.ivSize != 96 }
        #expect(cases.count == 250)
        for (_, test) in cases {
            #expect(throws: CryptoError.self, "case \(test.id)") {
                try seal(test.values.msg.bytes, key: test.values.key.bytes, nonce: test.values.iv.bytes, data: [])
            }
        }
    }

    @Test("HKDF-SHA-256: all 86 cases", .vectors("hkdf_sha256_test.json"))
    func hkdf() throws {
        struct Case: Decodable, Sendable {
            let ikm, salt, info, okm: HexBytes
            let size: Int
        }
        let cases = try VectorFolder.decode(Wycheproof<Nothing, Case>.self, from: "hkdf_sha256_test.json").cases
        #expect(cases.count == 86)
        for (_, test) in cases {
            let key = test.values.salt.bytes.withUnsafeBytes { salt in
                test.values.ikm.bytes.withUnsafeBytes { HKDF().extract(salt: salt, material: $0) }
            }
            let output = HKDF().expand(key, info: test.values.info.bytes, count: test.values.size)
            if test.result == .valid {
                #expect(output?.withUnsafeBytes { Array($0) } == test.values.okm.bytes, "case \(test.id)")
            } else {
                #expect(output == nil, "case \(test.id)")
            }
        }
    }
}
