public import NIOCore

/// A typed body of a frame.
///
/// Conform through one of the three refinements: `FieldMessage` (little-endian fields), `ProtobufMessage`,
/// `MsgpackMessage`. The opcode is not the type's: an application registers it.
public protocol Message: Sendable {
    /// How the body is encoded.
    static var codec: Codec { get }
    /// Decodes a whole body; bytes that are left over are an error.
    init(body: ByteBuffer) throws
    /// Appends the body.
    func encode(into output: inout ByteBuffer) throws
}

extension Message {
    /// The body on its own.
    public func body() throws -> ByteBuffer {
        var output = ByteBuffer()
        try encode(into: &output)
        return output
    }
}

/// A message whose body is little-endian fields, written by hand.
public protocol FieldMessage: Message {
    /// Reads the fields in the order of the layout; `init(body:)` checks that nothing is left.
    init(from reader: inout Reader) throws(WireError)
    /// Writes the fields in the same order.
    func write(to writer: inout Writer)
    /// Appends the body; fields always can be written.
    func encode(into output: inout ByteBuffer)
}

extension FieldMessage {
    public static var codec: Codec { .bytes }

    public init(body: ByteBuffer) throws {
        try self.init(fields: body)
    }

    /// `init(body:)` with its error's type.
    public init(fields body: ByteBuffer) throws(WireError) {
        var reader = Reader(body)
        try self.init(from: &reader)
        try reader.finish()
    }

    public func encode(into output: inout ByteBuffer) {
        var writer = Writer(output)
        output = ByteBuffer()
        write(to: &writer)
        output = writer.buffer
    }
}

/// One of carrier's own messages: its opcode belongs to its type.
public protocol BuiltInMessage: FieldMessage {
    /// Its number on the wire.
    static var opcode: Opcode { get }
}

extension BuiltInMessage {
    /// The frame that carries this message.
    public func frame(flags: Frame.Flags = [], nonce: UInt32 = 0) -> Frame {
        var body = ByteBuffer()
        encode(into: &body)
        return Frame(Self.opcode, flags: flags, nonce: nonce, body: body)
    }
}
