internal import CarrierCrypto
internal import CarrierProtocols
internal import NIOCore

/// Opens the records or datagrams of one direction by number, so that a capture may lack some (carrier-wire(7) §4.3, §6).
/// A session itself opens records with `RecordOpener`, which cannot go past one.
struct RecordDecryptor {
    private let first: SecretBytes
    private let cipher: AESGCM
    /// Records under one key.
    private let interval: UInt64
    /// How often the key was changed.
    private var epoch: UInt64 = 0

    /// - Parameter rekeys: whether the key changes after so many records; that of datagrams does not.
    init(key: SecretBytes, rekeys: Bool = true) throws(CryptoError) {
        first = key
        interval = rekeys ? RecordSealer.rekeyInterval : .max
        cipher = try AESGCM(key: key)
    }

    /// The plaintext of a record.
    ///
    /// - Parameter number: which record of its direction it is, from 0.
    mutating func open(_ sealed: ByteBuffer, number: UInt64) throws(CryptoError) -> ByteBuffer {
        guard sealed.readableBytes >= AESGCM.tagSize, number < .max else { throw .authenticationFailed }
        try turn(to: number / interval)
        let count = sealed.readableBytes - AESGCM.tagSize
        var plaintext = ByteBuffer()
        plaintext.reserveCapacity(count)
        var failure: CryptoError?
        sealed.withUnsafeReadableBytes { sealed in
            _ = plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                do throws(CryptoError) {
                    try Self.withNonce(number) { nonce throws(CryptoError) in
                        try cipher.open(
                            sealed, nonce: nonce, into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
                    }
                    return count
                } catch {
                    failure = error
                    return 0
                }
            }
        }
        if let failure { throw failure }
        return plaintext
    }

    /// Applies Rekey() until the key is that of `target`, from the first key on where it lies behind.
    private mutating func turn(to target: UInt64) throws(CryptoError) {
        guard target != epoch else { return }
        if target < epoch {
            try cipher.setKey(first)
            epoch = 0
        }
        while epoch < target {
            var key: SecretBytes?
            try Self.withNonce(.max) { nonce throws(CryptoError) in
                key = try cipher.keystream(nonce: nonce, count: AESGCM.keySize)
            }
            if let key { try cipher.setKey(key) }
            epoch += 1
        }
    }

    /// A nonce's 12 bytes: four of zero, then the number, big-endian (Noise §12.4).
    private static func withNonce(
        _ number: UInt64, _ body: (UnsafeRawBufferPointer) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        var bytes = ByteBuffer()
        bytes.writeInteger(0, as: UInt32.self)
        bytes.writeInteger(number)
        var failure: CryptoError?
        bytes.withUnsafeReadableBytes { raw in
            do throws(CryptoError) { try body(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
