public import NIOCore

/// Turns the plaintext of a session, in pieces of any size, into frames.
///
/// A frame that lies whole in one piece shares the piece's memory; only a frame that spans pieces is put together, and
/// its memory grows with what has arrived, never with what a header declares.
public struct FrameDecoder {
    /// The most bytes a body may have.
    public let bodyLimit: Int
    private var piece = ByteBuffer()
    private var partial = ByteBuffer()

    /// A decoder at the start of a frame that takes bodies up to that many bytes.
    public init(bodyLimit: Int = Frame.defaultBodyLimit) {
        self.bodyLimit = bodyLimit
    }

    /// Whether bytes of an unfinished frame wait for the rest.
    public var isInsideFrame: Bool { partial.readableBytes > 0 || piece.readableBytes > 0 }

    /// How many bytes wait.
    public var waitingBytes: Int { partial.readableBytes + piece.readableBytes }

    /// Takes the next piece; call `next` until it gives nil before the next one.
    public mutating func feed(_ bytes: ByteBuffer) {
        if piece.readableBytes == 0 {
            piece = bytes
        } else {
            piece.writeImmutableBuffer(bytes)
        }
    }

    /// The next frame; nil when more bytes are needed.
    public mutating func next() throws(FrameError) -> Frame? {
        if partial.readableBytes > 0 { return try finishPartial() }
        guard let header = try header(of: piece), piece.readableBytes >= header.encodedSize else {
            if piece.readableBytes > 0 { stash() }
            // Let go of the memory, so that the session can use it again.
            piece = ByteBuffer()
            return nil
        }
        piece.moveReaderIndex(forwardBy: Frame.headerSize)
        return header.frame(body: piece.readSlice(length: header.bodyLength) ?? ByteBuffer())
    }

    /// Keeps the beginning of a frame whose rest has not arrived.
    private mutating func stash() {
        partial.clear()
        partial.writeBuffer(&piece)
    }

    /// Adds to the waiting frame just what it lacks.
    private mutating func finishPartial() throws(FrameError) -> Frame? {
        var missing = Frame.headerSize - partial.readableBytes
        if missing > 0 { take(missing) }
        guard let header = try header(of: partial) else {
            piece = ByteBuffer()
            return nil
        }
        missing = header.encodedSize - partial.readableBytes
        if missing > 0 { take(missing) }
        guard partial.readableBytes >= header.encodedSize else {
            piece = ByteBuffer()
            return nil
        }
        partial.moveReaderIndex(forwardBy: Frame.headerSize)
        let body = partial
        partial = ByteBuffer()
        return header.frame(body: body)
    }

    private mutating func take(_ count: Int) {
        if var part = piece.readSlice(length: min(count, piece.readableBytes)) { partial.writeBuffer(&part) }
    }

    private func header(of buffer: ByteBuffer) throws(FrameError) -> FrameHeader? {
        guard let header = FrameHeader(buffer) else { return nil }
        try header.validate(bodyLimit: bodyLimit)
        return header
    }
}

/// The 16 bytes before a body, as they stand.
public struct FrameHeader: Equatable, Sendable {
    /// Bytes that follow the header.
    public let bodyLength: Int
    /// What message it is.
    public let opcode: Opcode
    /// The flags as they stand there, known or not.
    public let flags: UInt8
    /// The codec as it stands there, known or not.
    public let codec: UInt8
    /// Zero in what is valid.
    public let reserved: UInt16
    /// Names the request; 0 where there is none.
    public let nonce: UInt32

    /// Reads 16 bytes from the readable ones, from `offset` on; nil when there are fewer.
    public init?(_ buffer: ByteBuffer, at offset: Int = 0) {
        guard let header = buffer.withUnsafeReadableBytes({ FrameHeader($0, at: offset) }) else { return nil }
        self = header
    }

    /// Reads 16 bytes from `offset` on; nil when there are fewer.
    public init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        // One bounds check for the whole header: this runs once a message.
        guard offset >= 0, bytes.count - offset >= Frame.headerSize else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        bodyLength = Int(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt32.self)))
        opcode = Opcode(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        flags = raw[8]
        codec = raw[9]
        reserved = UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 10, as: UInt16.self))
        nonce = UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    }

    /// Header and body, in bytes.
    public var encodedSize: Int { Frame.headerSize + bodyLength }

    /// Whether `validate` would pass, without the cost of an error.
    public func isValid(bodyLimit: Int) -> Bool {
        bodyLength <= bodyLimit && flags & ~Frame.Flags.known.rawValue == 0 && codec <= 2 && reserved == 0
    }

    /// Checks all that a header alone can tell.
    public func validate(bodyLimit: Int) throws(FrameError) {
        if bodyLength > bodyLimit { throw .bodyTooLarge(limit: bodyLimit, got: bodyLength) }
        if flags & ~Frame.Flags.known.rawValue != 0 { throw .unknownFlags(flags) }
        if codec > 2 { throw .unknownCodec(codec) }
        if reserved != 0 { throw .reservedNotZero(reserved) }
    }

    /// The frame with this header, once `validate` has passed.
    func frame(body: ByteBuffer) -> Frame {
        Frame(
            opcode, flags: Frame.Flags(rawValue: flags), codec: Codec(rawValue: codec) ?? .bytes, nonce: nonce,
            body: body)
    }
}
