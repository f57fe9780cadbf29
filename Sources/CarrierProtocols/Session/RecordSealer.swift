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

    public init(key: SecretBytes) throws(CryptoError) { cipher = try NoiseCipher(key: key) }

    /// Appends one record that holds the pieces, one after the other.
    ///
    /// - Precondition: together at most `recordLimit` bytes.
    public mutating func seal(
        pieces: some Collection<UnsafeRawBufferPointer>, into output: inout ByteBuffer
    ) throws(CryptoError) {
        let sealedSize = pieces.reduce(0) { $0 + $1.count } + AESGCM.tagSize
        output.writeInteger(UInt16(sealedSize), endianness: .little)
        var failure: CryptoError?
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: sealedSize) { room in
            do throws(CryptoError) {
                try cipher.seal(pieces: pieces, into: UnsafeMutableRawBufferPointer(rebasing: room[..<sealedSize]))
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
        let result: Result<Void, CryptoError> = plaintext.withUnsafeReadableBytes { bytes in
            do throws(CryptoError) {
                var start = 0
                while start < bytes.count {
                    let end = min(start + Self.fullRecord, bytes.count)
                    let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    try seal(pieces: CollectionOfOne(piece), into: &output)
                    start = end
                }
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }
}
