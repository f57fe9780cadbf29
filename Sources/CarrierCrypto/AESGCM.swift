internal import COpenSSL

#if BoringSSL
    private typealias Cipher = BoringSSLGCM
#else
    private typealias Cipher = OpenSSLGCM
#endif

/// AES-256-GCM (NIST SP 800-38D) under one key, with one context that is used again for each message: making a context
/// costs more than sealing a kilobyte.
///
/// Nonces are the caller's duty; `RecordSealer` and `RecordOpener` are the types that count them.
public final class AESGCM {
    /// Bytes of a key.
    public static let keySize = 32
    /// Bytes of a nonce.
    public static let nonceSize = 12
    /// Bytes of an authentication tag.
    public static let tagSize = 16

    private let cipher: Cipher

    /// - Throws: `malformedKey` unless the key has 32 bytes.
    public init(key: SecretBytes) throws(CryptoError) {
        guard key.count == Self.keySize else {
            throw .malformedKey(expected: "an AES-256 key of 32 bytes", got: "\(key.count) bytes")
        }
        guard let cipher = Cipher() else { throw OpenSSL.failure("EVP_CIPHER_CTX_new") }
        self.cipher = cipher
        try setKey(key)
    }

    /// Goes on under another key of 32 bytes, in the same context.
    public func setKey(_ key: SecretBytes) throws(CryptoError) {
        let isSet = key.withUnsafeBytes { cipher.setKey($0.bindMemory(to: UInt8.self).baseAddress) }
        guard isSet else { throw OpenSSL.failure("EVP_CipherInit") }
    }

    /// Begins a message under a nonce of 12 bytes.
    private func begin(
        seals: Bool, nonce: UnsafeRawBufferPointer, authenticating data: UnsafeRawBufferPointer
    ) throws(CryptoError) {
        guard nonce.count == Self.nonceSize else {
            throw .malformedKey(expected: "a nonce of 12 bytes", got: "\(nonce.count) bytes")
        }
        guard cipher.begin(seals: seals, nonce: nonce.bindMemory(to: UInt8.self).baseAddress) else {
            throw OpenSSL.failure("EVP_CipherInit")
        }
        if data.isEmpty { return }
        guard cipher.update(data.bindMemory(to: UInt8.self).baseAddress, try length(data.count), into: nil) else {
            throw OpenSSL.failure("EVP_CipherUpdate")
        }
    }

    /// Transforms a piece of the message; `output` may be the input itself and must be as long.
    private func update(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        if input.isEmpty { return }
        guard
            output.count >= input.count,
            cipher.update(
                input.bindMemory(to: UInt8.self).baseAddress, try length(input.count),
                into: output.bindMemory(to: UInt8.self).baseAddress)
        else { throw OpenSSL.failure("EVP_CipherUpdate") }
    }

    private func length(_ count: Int) throws(CryptoError) -> Int32 {
        guard let length = Int32(exactly: count) else {
            throw .library(operation: "EVP_CipherUpdate", reason: "message of \(count) bytes is over 2 GiB")
        }
        return length
    }

    /// The first `count` bytes of what sealing zeros gives: Noise's Rekey. The same in both directions, for GCM encrypts
    /// and decrypts by the same key stream.
    public func keystream(nonce: UnsafeRawBufferPointer, count: Int) throws(CryptoError) -> SecretBytes {
        try begin(seals: true, nonce: nonce, authenticating: UnsafeRawBufferPointer(start: nil, count: 0))
        var failure: CryptoError?
        let stream = SecretBytes(count: count) { bytes in
            do throws(CryptoError) {
                try update(UnsafeRawBufferPointer(bytes), into: bytes)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return stream
    }

    /// Seals a message that lies in one piece.
    ///
    /// - Parameters:
    ///   - plaintext: the message.
    ///   - nonce: 12 bytes, never used twice with this key.
    ///   - data: what is authenticated without being sealed; default nothing.
    ///   - output: `plaintext.count` + 16 bytes, ciphertext and tag; may begin where the plaintext does.
    public func seal(
        _ plaintext: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        try seal(nonce: nonce, authenticating: data, into: output) { take throws(CryptoError) in try take(plaintext) }
    }

    /// Takes the pieces of a message, one after the other.
    public typealias PieceTaker = (UnsafeRawBufferPointer) throws(CryptoError) -> Void

    /// Seals a message that lies in several pieces, without putting them together first.
    ///
    /// - Parameters:
    ///   - nonce: 12 bytes, never used twice with this key.
    ///   - data: what is authenticated without being sealed; default nothing.
    ///   - output: the pieces' bytes + 16, ciphertext and tag.
    ///   - pieces: calls what it is given with each piece.
    public func seal(
        nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer, pieces: (PieceTaker) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        try begin(seals: true, nonce: nonce, authenticating: data)
        var position = 0
        try pieces { piece throws(CryptoError) in
            try update(piece, into: UnsafeMutableRawBufferPointer(rebasing: output[position...]))
            position += piece.count
        }
        let tag = UnsafeMutableRawBufferPointer(rebasing: output[position...])
        guard tag.count >= Self.tagSize, cipher.finishSealing(tag: tag.baseAddress) else {
            throw OpenSSL.failure("EVP_CipherFinal_ex")
        }
    }

    /// Opens ciphertext and tag.
    ///
    /// - Parameters:
    ///   - sealed: ciphertext and tag.
    ///   - nonce: the 12 bytes that it was sealed with.
    ///   - data: what was authenticated with it; default nothing.
    ///   - output: `sealed.count` - 16 bytes; may begin where the ciphertext does. It is zero after a tag that
    ///     does not fit: nobody can use what nobody vouches for.
    /// - Throws: `authenticationFailed` when the tag does not fit or is not whole.
    public func open(
        _ sealed: UnsafeRawBufferPointer, nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        guard sealed.count >= Self.tagSize else { throw .authenticationFailed }
        let boundary = sealed.count - Self.tagSize
        try begin(seals: false, nonce: nonce, authenticating: data)
        try update(UnsafeRawBufferPointer(rebasing: sealed[..<boundary]), into: output)
        guard cipher.finishOpening(tag: sealed.baseAddress?.advanced(by: boundary)) else {
            ERR_clear_error()
            OPENSSL_cleanse(output.baseAddress, boundary)
            throw .authenticationFailed
        }
    }
}
