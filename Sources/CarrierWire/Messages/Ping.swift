public import NIOCore

/// Asks for its payload back (opcode 10).
public struct Ping: BuiltInMessage, Hashable {
    public static let opcode = Opcode.ping

    /// Any bytes.
    public var payload: ByteBuffer

    /// A ping with these bytes; default none.
    public init(payload: ByteBuffer = ByteBuffer()) { self.payload = payload }

    public init(from reader: inout Reader) throws(WireError) {
        payload = try reader.raw("payload", count: reader.left)
    }

    public func write(to writer: inout Writer) { writer.raw(payload) }
}

/// The payload of a `Ping`, as it came (opcode 11).
public struct Pong: BuiltInMessage, Hashable {
    public static let opcode = Opcode.pong

    /// As it came.
    public var payload: ByteBuffer

    /// The answer with these bytes.
    public init(payload: ByteBuffer) { self.payload = payload }

    public init(from reader: inout Reader) throws(WireError) {
        payload = try reader.raw("payload", count: reader.left)
    }

    public func write(to writer: inout Writer) { writer.raw(payload) }
}
