public import CarrierCrypto
public import NIOCore

/// Opens the records of one direction, in pieces of any size, into the plaintext stream of frames.
///
/// A record that lies whole in one piece is opened straight from it; only one that spans pieces is put together first.
public struct RecordOpener: ~Copyable {
    private var cipher: NoiseCipher
    private var partial = ByteBuffer()

    /// Opens what was sealed with this key, from record 0 on. Throws when the key is not one of 32 bytes.
    public init(key: SecretBytes) throws(CryptoError) { cipher = try NoiseCipher(key: key) }

    /// Whether bytes of an unfinished record wait for the rest.
    public var isInsideRecord: Bool { partial.readableBytes > 0 }

    /// How many of the records that were opened held nothing.
    public private(set) var emptyRecordCount: UInt64 = 0

    /// How many records have been opened.
    public var recordCount: UInt64 { cipher.counter }

    /// How often the key has changed.
    public var rekeys: UInt64 { cipher.counter / RecordSealer.rekeyInterval }

    /// Opens the whole records of `input`, appends their plaintext to `plaintext` and keeps what is left over.
    ///
    /// - Throws: `authenticationFailed` for a record that is altered, out of order or too short; end the connection then.
    public mutating func open(_ input: inout ByteBuffer, into plaintext: inout ByteBuffer) throws(CryptoError) {
        if partial.readableBytes > 0 {
            guard completePartial(from: &input) else { return try judgePrefix() }
            if let record = Self.nextRecord(of: &partial) { try open(record, into: &plaintext) }
            partial.clear()
        }
        while let record = Self.nextRecord(of: &input) { try open(record, into: &plaintext) }
        partial.writeBuffer(&input)
        try judgePrefix()
    }

    /// Moves just what the waiting record lacks; whether it is whole now.
    private mutating func completePartial(from input: inout ByteBuffer) -> Bool {
        func take(upTo size: Int) {
            let missing = min(size - partial.readableBytes, input.readableBytes)
            if missing > 0, var slice = input.readSlice(length: missing) { partial.writeBuffer(&slice) }
        }
        take(upTo: 2)
        guard let length = partial.getInteger(at: partial.readerIndex, endianness: .little, as: UInt16.self) else {
            return false
        }
        take(upTo: 2 + Int(length))
        return partial.readableBytes == 2 + Int(length)
    }

    /// A record that announces less than a tag is refused at once: nothing that follows can make it good.
    private func judgePrefix() throws(CryptoError) {
        let length = partial.getInteger(at: partial.readerIndex, endianness: .little, as: UInt16.self)
        if let length, Int(length) < AESGCM.tagSize { throw .authenticationFailed }
    }

    /// The ciphertext and tag of the next record, when it is whole.
    private static func nextRecord(of buffer: inout ByteBuffer) -> ByteBuffer? {
        guard
            let length = buffer.getInteger(at: buffer.readerIndex, endianness: .little, as: UInt16.self),
            buffer.readableBytes >= 2 + Int(length)
        else { return nil }
        buffer.moveReaderIndex(forwardBy: 2)
        return buffer.readSlice(length: Int(length))
    }

    private mutating func open(_ record: ByteBuffer, into plaintext: inout ByteBuffer) throws(CryptoError) {
        guard record.readableBytes >= AESGCM.tagSize else { throw .authenticationFailed }
        let count = record.readableBytes - AESGCM.tagSize
        let result: Result<Void, CryptoError> = record.withUnsafeReadableBytes { sealed in
            var failure: CryptoError?
            plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                do throws(CryptoError) {
                    try cipher.open(sealed, into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
                    return count
                } catch {
                    failure = error
                    return 0
                }
            }
            return failure.map { .failure($0) } ?? .success(())
        }
        try result.get()
        if count == 0 { emptyRecordCount &+= 1 }
        if cipher.counter % RecordSealer.rekeyInterval == 0 { try cipher.rekey() }
    }
}
