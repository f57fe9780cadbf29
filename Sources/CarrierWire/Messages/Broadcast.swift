public import CarrierCrypto
public import NIOCore

/// A message on its way to everyone, signed by its origin (opcode 19, carrier-wire(7) §5.1).
public struct Broadcast: BuiltInMessage, Hashable {
    public static let opcode = Opcode.broadcast
    private static let label: StaticString = "carrier broadcast v1"

    /// Who told it first, and signed it.
    public let origin: PeerID
    /// Unix time in microseconds, strictly rising for one origin.
    public let sequence: UInt64
    /// An application's opcode.
    public let message: Opcode
    /// How the body is encoded.
    public let codec: Codec
    /// The application's bytes.
    public let body: ByteBuffer
    /// 64 bytes, over all the fields before it.
    public let signature: [UInt8]
    /// Set by each hop: the receiver delegates to the buckets below it.
    public var height: UInt16
    /// Set by each hop: how often the message was passed on before.
    public var hops: UInt16
    /// Set by each hop: whether the sender wants a `BroadcastReport`.
    public var wantsReport: Bool

    /// The first 16 bytes of H(origin ‖ sequence).
    public struct ID: Hashable, Sendable, CustomStringConvertible {
        /// 16 bytes, the first one highest.
        public let high: UInt64
        /// The last eight bytes.
        public let low: UInt64

        init(from reader: inout Reader, _ field: StaticString) throws(WireError) {
            high = try reader.u64(field).byteSwapped
            low = try reader.u64(field).byteSwapped
        }

        init(origin: PeerID, sequence: UInt64) {
            var writer = Writer()
            writer.raw32(origin.bytes)
            writer.u64(sequence)
            let digest = writer.buffer.withUnsafeReadableBytes { SHA256.hash($0) }
            (high, low) = digest.withUnsafeBytes { raw in
                (
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        }

        func write(to writer: inout Writer) {
            writer.u64(high.byteSwapped)
            writer.u64(low.byteSwapped)
        }

        /// 32 lower-case hex digits.
        public var description: String {
            hexString(
                (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - ($0 % 8) * 8)) })
        }
    }

    /// Signs a message; its height, hops and wantsReport are the first hop's.
    public init(
        signedBy identity: Identity, sequence: UInt64, message: Opcode, codec: Codec, body: ByteBuffer,
        height: UInt16 = 256, wantsReport: Bool = false
    ) throws(CryptoError) {
        origin = identity.peerID
        self.sequence = sequence
        self.message = message
        self.codec = codec
        self.body = body
        self.height = height
        hops = 0
        self.wantsReport = wantsReport
        var writer = Writer()
        Self.write(origin, sequence, message, codec, body, to: &writer)
        signature = try identity.key.sign(Ed25519.labelled(Self.label, writer.buffer.readableBytesView))
    }

    private static func write(
        _ origin: PeerID, _ sequence: UInt64, _ message: Opcode, _ codec: Codec, _ body: ByteBuffer,
        to writer: inout Writer
    ) {
        writer.raw32(origin.bytes)
        writer.u64(sequence)
        writer.u32(message.rawValue)
        writer.u8(codec.rawValue)
        writer.bytes(body)
    }

    /// The name of the message, the same at every node.
    public var id: ID { ID(origin: origin, sequence: sequence) }

    /// Whether the origin itself signed this message.
    public var isSignatureValid: Bool {
        var writer = Writer()
        Self.write(origin, sequence, message, codec, body, to: &writer)
        return Ed25519.isValid(
            signature: signature, over: Ed25519.labelled(Self.label, writer.buffer.readableBytesView),
            by: origin.bytes)
    }

    public init(from reader: inout Reader) throws(WireError) {
        origin = PeerID(try reader.raw32("origin"))
        sequence = try reader.u64("sequence")
        let position = reader.offset
        message = Opcode(try reader.u32("opcode"))
        guard message.isApplication else {
            throw WireError("opcode", at: position, .unexpected(expected: "1000 or more", got: "\(message.rawValue)"))
        }
        let codecPosition = reader.offset
        let number = try reader.u8("codec")
        guard let codec = Codec(rawValue: number) else {
            throw WireError("codec", at: codecPosition, .unexpected(expected: "0, 1 or 2", got: "\(number)"))
        }
        self.codec = codec
        body = try reader.bytes("body")
        signature = try reader.array("signature", count: Ed25519.signatureSize)
        height = try reader.u16("height")
        hops = try reader.u16("hops")
        wantsReport = try reader.bool("wantsReport")
    }

    public func write(to writer: inout Writer) {
        Self.write(origin, sequence, message, codec, body, to: &writer)
        writer.raw(signature)
        writer.u16(height)
        writer.u16(hops)
        writer.bool(wantsReport)
    }
}

/// How far a message went below one node (opcode 20).
public struct BroadcastReport: BuiltInMessage, Hashable {
    public static let opcode = Opcode.broadcastReport

    /// Which broadcast it is about.
    public var id: Broadcast.ID
    /// Nodes reached, the sender of the report included.
    public var reached: UInt32
    /// How often somebody got the message again.
    public var duplicates: UInt32
    /// The greatest number of hops from the origin.
    public var depth: UInt16

    /// A report of its parts.
    public init(id: Broadcast.ID, reached: UInt32, duplicates: UInt32, depth: UInt16) {
        self.id = id
        self.reached = reached
        self.duplicates = duplicates
        self.depth = depth
    }

    public init(from reader: inout Reader) throws(WireError) {
        id = try Broadcast.ID(from: &reader, "id")
        reached = try reader.u32("reached")
        duplicates = try reader.u32("duplicates")
        depth = try reader.u16("depth")
    }

    public func write(to writer: inout Writer) {
        id.write(to: &writer)
        writer.u32(reached)
        writer.u32(duplicates)
        writer.u16(depth)
    }
}

/// The messages of the last 30 s that a node has (opcode 23).
public struct BroadcastDigest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.broadcastDigest
    /// The most ids a digest or a want may hold.
    public static let idLimit = 64

    /// Broadcasts that the sender has.
    public var ids: [Broadcast.ID]

    /// A digest of these broadcasts.
    public init(ids: [Broadcast.ID]) { self.ids = ids }

    public init(from reader: inout Reader) throws(WireError) {
        ids = try reader.list("ids", limit: Self.idLimit) { reader throws(WireError) in
            try Broadcast.ID(from: &reader, "id")
        }
    }

    public func write(to writer: inout Writer) { writer.list(ids) { $1.write(to: &$0) } }
}

/// The messages of a digest that the sender lacks (opcode 24).
public struct BroadcastWant: BuiltInMessage, Hashable {
    public static let opcode = Opcode.broadcastWant

    /// Broadcasts that the sender lacks.
    public var ids: [Broadcast.ID]

    /// Asks for these broadcasts.
    public init(ids: [Broadcast.ID]) { self.ids = ids }

    public init(from reader: inout Reader) throws(WireError) {
        ids = try reader.list("ids", limit: BroadcastDigest.idLimit) { reader throws(WireError) in
            try Broadcast.ID(from: &reader, "id")
        }
    }

    public func write(to writer: inout Writer) { writer.list(ids) { $1.write(to: &$0) } }
}
