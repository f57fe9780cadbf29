import CarrierCrypto
import Testing

@Suite("AES-256-GCM")
struct AESGCMTests {
    private let key = SystemRandom.bytes(32)
    private let nonce = SystemRandom.bytes(12)

    @Test("What is sealed opens again, whatever its size", arguments: [0, 1, 15, 16, 17, 1024, 65_519])
    func roundTrip(size: Int) throws {
        let plaintext = SystemRandom.bytes(size)
        let data = SystemRandom.bytes(size % 40)
        let sealed = try seal(plaintext, key: key, nonce: nonce, data: data)
        #expect(try open(sealed, key: key, nonce: nonce, data: data) == plaintext)
    }

    @Test("One context seals many messages as fresh ones would")
    func reuse() throws {
        let sealer = try AESGCM(key: SecretBytes(key))
        let opener = try AESGCM(key: SecretBytes(key))
        for round in UInt8(0)..<50 {
            let plaintext = SystemRandom.bytes(Int(round) * 7)
            let nonce = [UInt8](repeating: round, count: 12)
            let sealed = try seal(plaintext, with: sealer, nonce: nonce, data: round % 2 == 0 ? [] : [round])
            #expect(try seal(plaintext, key: key, nonce: nonce, data: round % 2 == 0 ? [] : [round]) == sealed)
            #expect(try open(sealed, with: opener, nonce: nonce, data: round % 2 == 0 ? [] : [round]) == plaintext)
        }
    }

    @Test("A failure leaves the context fit for the next message")
    func failureThenSuccess() throws {
        let opener = try AESGCM(key: SecretBytes(key))
        let sealed = try seal([1, 2, 3], key: key, nonce: nonce, data: [])
        #expect(throws: CryptoError.authenticationFailed) {
            try open(sealed, with: opener, nonce: [UInt8](repeating: 0, count: 12))
        }
        #expect(try open(sealed, with: opener, nonce: nonce) == [1, 2, 3])
    }

    @Test("No bit of ciphertext, tag or data may change")
    func bitFlips() throws {
        let sealed = try seal(Array("twenty bytes of text".utf8), key: key, nonce: nonce, data: [7, 8])
        for bit in 0..<(sealed.count * 8) {
            var altered = sealed
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: CryptoError.authenticationFailed) {
                try open(altered, key: key, nonce: nonce, data: [7, 8])
            }
        }
        for data in [[], [7], [8, 7], [7, 8, 0]] as [[UInt8]] {
            #expect(throws: CryptoError.authenticationFailed) { try open(sealed, key: key, nonce: nonce, data: data) }
        }
    }

    @Test("Every truncation fails", arguments: 0..<36)
    func truncation(count: Int) throws {
        let sealed = try seal([UInt8](repeating: 5, count: 20), key: key, nonce: nonce, data: [])
        #expect(throws: CryptoError.authenticationFailed) {
            try open(Array(sealed.prefix(count)), key: key, nonce: nonce, data: [])
        }
    }

    @Test("After a tag that does not fit, no plaintext is left to read")
    func unauthenticatedPlaintextIsWiped() throws {
        let opener = try AESGCM(key: SecretBytes(key))
        var sealed = try seal([UInt8](repeating: 0x41, count: 64), key: key, nonce: nonce, data: [])
        sealed[sealed.count - 1] ^= 1
        let (input, nonce) = (sealed, nonce)
        var output = [UInt8](repeating: 0xee, count: 64)
        output.withUnsafeMutableBytes { output in
            input.withUnsafeBytes { input in
                nonce.withUnsafeBytes { nonce in
                    _ = #expect(throws: CryptoError.authenticationFailed) {
                        try opener.open(input, nonce: nonce, into: output)
                    }
                }
            }
        }
        #expect(output == [UInt8](repeating: 0, count: 64))
    }

    @Test("Sealing and opening work in place")
    func inPlace() throws {
        let plaintext = SystemRandom.bytes(1000)
        let expected = try seal(plaintext, key: key, nonce: nonce, data: [])
        let sealer = try AESGCM(key: SecretBytes(key))
        let opener = try AESGCM(key: SecretBytes(key))
        let nonce = nonce
        var memory = plaintext + [UInt8](repeating: 0, count: AESGCM.tagSize)
        try memory.withUnsafeMutableBytes { memory in
            try nonce.withUnsafeBytes { nonce in
                let text = UnsafeRawBufferPointer(rebasing: memory[..<1000])
                try sealer.seal(text, nonce: nonce, into: memory)
                #expect(memory.elementsEqual(expected))
                try opener.open(UnsafeRawBufferPointer(memory), nonce: nonce, into: memory)
                #expect(text.elementsEqual(plaintext))
            }
        }
    }

    @Test("Pieces seal to what the whole seals to")
    func pieces() throws {
        let plaintext = SystemRandom.bytes(100)
        let expected = try seal(plaintext, key: key, nonce: nonce, data: [])
        let sealer = try AESGCM(key: SecretBytes(key))
        let nonce = nonce
        for cuts in [[0, 100], [1, 99], [16, 32], [33, 33], [100, 100]] {
            var output = [UInt8](repeating: 0, count: 116)
            try output.withUnsafeMutableBytes { output in
                try plaintext.withUnsafeBytes { text in
                    try nonce.withUnsafeBytes { nonce in
                        let pieces = [text[..<cuts[0]], text[cuts[0]..<cuts[1]], text[cuts[1]...]]
                        try sealer.seal(nonce: nonce, into: output) { take throws(CryptoError) in
                            for piece in pieces { try take(UnsafeRawBufferPointer(rebasing: piece)) }
                        }
                    }
                }
            }
            #expect(output == expected, "cut at \(cuts)")
        }
    }

    @Test("A new key in the same context seals as a new context does")
    func newKey() throws {
        let cipher = try AESGCM(key: SecretBytes(key))
        _ = try seal([1], with: cipher, nonce: nonce)
        let other = SystemRandom.bytes(32)
        try cipher.setKey(SecretBytes(other))
        #expect(try seal([1], with: cipher, nonce: nonce) == seal([1], key: other, nonce: nonce, data: []))
    }

    @Test("One context seals and opens in turn")
    func bothWays() throws {
        let cipher = try AESGCM(key: SecretBytes(key))
        for round in UInt8(0)..<20 {
            let nonce = [UInt8](repeating: round, count: 12)
            let sealed = try seal([round, 2, 3], with: cipher, nonce: nonce)
            #expect(try sealed == seal([round, 2, 3], key: key, nonce: nonce, data: []))
            #expect(try open(sealed, with: cipher, nonce: nonce) == [round, 2, 3])
        }
    }

    @Test("The key stream is what zeros seal to, and disturbs no later message")
    func keystream() throws {
        let cipher = try AESGCM(key: SecretBytes(key))
        let sealed = try seal([UInt8](repeating: 0, count: 32), key: key, nonce: nonce, data: [])
        let stream = try nonce.withUnsafeBytes { try cipher.keystream(nonce: $0, count: 32) }
        #expect(stream.withUnsafeBytes { Array($0) } == Array(sealed.prefix(32)))
        #expect(try seal([1], with: cipher, nonce: nonce) == seal([1], key: key, nonce: nonce, data: []))
    }

    @Test("Keys and nonces of other sizes are refused", arguments: [0, 16, 24, 31, 33])
    func sizes(size: Int) {
        #expect(throws: CryptoError.malformedKey(expected: "an AES-256 key of 32 bytes", got: "\(size) bytes")) {
            try AESGCM(key: SecretBytes([UInt8](repeating: 1, count: size)))
        }
        #expect(throws: CryptoError.self) {
            try seal([1], key: key, nonce: [UInt8](repeating: 1, count: size), data: [])
        }
    }
}
