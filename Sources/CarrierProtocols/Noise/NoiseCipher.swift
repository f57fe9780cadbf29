internal import CarrierCrypto

/// A Noise CipherState with a key (Noise §5.1): AES-256-GCM and a counter that cannot be set back or copied.
struct NoiseCipher: ~Copyable {
    private let aead: AESGCM
    /// The nonce of the next message.
    private(set) var counter: UInt64 = 0

    init(key: SecretBytes) throws(CryptoError) {
        aead = try AESGCM(key: key)
    }

    /// Calls `body` with a nonce's 12 bytes: four of zero, then the counter, big-endian (Noise §12.4).
    private static func withNonce<Failure: Error>(
        _ counter: UInt64, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var nonce: (UInt32, UInt32, UInt32) = (
            0, UInt32(truncatingIfNeeded: counter >> 32).bigEndian, UInt32(truncatingIfNeeded: counter).bigEndian
        )
        let result: Result<Void, Failure> = withUnsafeBytes(of: &nonce) { raw in
            do throws(Failure) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Seals pieces as one message under the next nonce; `output` takes their bytes and a tag of 16.
    mutating func seal(
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer, pieces: (AESGCM.PieceTaker) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        // 2^64-1 is kept for rekeying.
        guard counter < .max else { throw .nonceExhausted }
        try Self.withNonce(counter) { nonce throws(CryptoError) in
            try aead.seal(nonce: nonce, authenticating: data, into: output, pieces: pieces)
        }
        counter += 1
    }

    /// Opens a message under the next nonce; a message that does not open leaves the counter as it is.
    mutating func open(
        _ sealed: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        guard counter < .max else { throw .nonceExhausted }
        try open(sealed, counter: counter, authenticating: data, into: output)
        counter += 1
    }

    /// Opens a message under a nonce that came with it: for datagrams, which arrive in any order.
    func open(
        _ sealed: UnsafeRawBufferPointer, counter: UInt64,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        try Self.withNonce(counter) { nonce throws(CryptoError) in
            try aead.open(sealed, nonce: nonce, authenticating: data, into: output)
        }
    }

    /// Noise's Rekey (§4.2): the key becomes what it makes of 32 zero bytes under the last nonce. The counter goes on.
    mutating func rekey() throws(CryptoError) {
        try Self.withNonce(.max) { nonce throws(CryptoError) in
            try aead.setKey(try aead.keystream(nonce: nonce, count: AESGCM.keySize))
        }
    }
}
