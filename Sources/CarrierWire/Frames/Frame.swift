public import NIOCore

/// One message on the wire: its header and its body (carrier-wire(7) §4.4).
public struct Frame: Equatable, Sendable {
    /// Flag bits of a frame.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        @inlinable
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Expects a reply with the same nonce.
        public static let request = Flags(rawValue: 0x01)
        /// Answers the request with the same nonce.
        public static let reply = Flags(rawValue: 0x02)
        /// Expects an `AckResponse` that names the nonce.
        public static let needsAck = Flags(rawValue: 0x04)
        /// The last `Bytes` frame of its direction.
        public static let endOfStream = Flags(rawValue: 0x08)
        /// All that version 1 knows.
        public static let known = Flags(rawValue: 0x0f)
    }

    /// Bytes of a header.
    public static let headerSize = 16
    /// The most bytes a body may have by default: 4 MiB.
    public static let defaultBodyLimit = 4 << 20

    /// What message it is.
    public var opcode: Opcode
    /// What is asked of the far side, or said of the body.
    public var flags: Flags
    /// How the body is encoded.
    public var codec: Codec
    /// Pairs a reply or an ack with its message; 0 where unused.
    public var nonce: UInt32
    /// The message itself.
    public var body: ByteBuffer

    /// A frame of its parts.
    @inlinable
    public init(
        _ opcode: Opcode, flags: Flags = [], codec: Codec = .bytes, nonce: UInt32 = 0, body: ByteBuffer = ByteBuffer()
    ) {
        self.opcode = opcode
        self.flags = flags
        self.codec = codec
        self.nonce = nonce
        self.body = body
    }

    /// Header and body, in bytes.
    @inlinable
    public var encodedSize: Int { Self.headerSize + body.readableBytes }

    /// Appends the 16 bytes of the header.
    @inlinable
    public func encodeHeader(into output: inout ByteBuffer) {
        // One bounds check for the whole header: this runs once a message.
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.headerSize) { raw in
            storeHeader(in: raw, bodySize: UInt32(truncatingIfNeeded: body.readableBytes))
            return Self.headerSize
        }
    }

    /// Appends header and body.
    @inlinable
    public func encode(into output: inout ByteBuffer) {
        // One bounds check for both: small frames are copied once a message.
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: encodedSize) { raw in
            storeHeader(in: raw, bodySize: UInt32(truncatingIfNeeded: body.readableBytes))
            body.withUnsafeReadableBytes { body in
                UnsafeMutableRawBufferPointer(rebasing: raw[Self.headerSize...]).copyMemory(from: body)
            }
            return encodedSize
        }
    }

    /// Writes the header of a body that is as large as this, whatever `body` holds.
    ///
    /// - Precondition: `raw` has room for 16 bytes.
    @inlinable
    public func storeHeader(in raw: UnsafeMutableRawBufferPointer, bodySize: UInt32) {
        raw.storeBytes(of: bodySize.littleEndian, toByteOffset: 0, as: UInt32.self)
        raw.storeBytes(of: opcode.rawValue.littleEndian, toByteOffset: 4, as: UInt32.self)
        raw.storeBytes(of: flags.rawValue, toByteOffset: 8, as: UInt8.self)
        raw.storeBytes(of: codec.rawValue, toByteOffset: 9, as: UInt8.self)
        raw.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
        raw.storeBytes(of: nonce.littleEndian, toByteOffset: 12, as: UInt32.self)
    }
}
