public import CarrierCrypto
public import NIOCore

/// Seals the frames of one direction into records: `u16` length ‖ ciphertext and tag (carrier-wire(7) §4.3).
///
/// It cannot be copied, so no nonce is used twice; after every 2^20 records it changes its key.
public struct RecordSealer: ~Copyable {
    /// Plaintext bytes of a full record: 32 KiB with length and tag, which two reads rarely share.
    public static let fullRecord = 32 * 1024 - 2 - AESGCM.tagSize
    /// The most plaintext bytes that a record can hold.
    public static let recordLimit = Int(UInt16.max) - AESGCM.tagSize
    /// Records under one key.
    public static let rekeyInterval: UInt64 = 1 << 20

    private var cipher: NoiseCipher

    /// Records sealed since the key last changed.
    public var recordsUnderKey: Int { Int(truncatingIfNeeded: cipher.counter % Self.rekeyInterval) }

    /// How often the key has changed.
    public var rekeys: UInt64 { cipher.counter / Self.rekeyInterval }

    /// Seals with this key, from record 0 on. Throws when the key is not one of 32 bytes.
    public init(key: SecretBytes) throws(CryptoError) { cipher = try NoiseCipher(key: key) }

    /// Appends one record that holds the pieces, one after the other.
    ///
    /// - Parameters:
    ///   - size: the pieces' bytes.
    ///   - output: takes the record.
    ///   - pieces: calls what it is given with each piece.
    /// - Precondition: `size` is at most `recordLimit`.
    public mutating func seal(
        size: Int, into output: inout ByteBuffer, pieces: (AESGCM.PieceTaker) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        let sealedSize = size + AESGCM.tagSize
        output.writeInteger(UInt16(sealedSize), endianness: .little)
        var failure: CryptoError?
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: sealedSize) { room in
            do throws(CryptoError) {
                try cipher.seal(into: UnsafeMutableRawBufferPointer(rebasing: room[..<sealedSize]), pieces: pieces)
                return sealedSize
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        if cipher.counter % Self.rekeyInterval == 0 { try cipher.rekey() }
    }

    /// Appends records that hold all of `plaintext`, as few as can be.
    public mutating func seal(_ plaintext: ByteBuffer, into output: inout ByteBuffer) throws(CryptoError) {
        var outbox = Outbox()
        outbox.append(plaintext)
        try outbox.seal(with: &self, into: &output)
    }
}
