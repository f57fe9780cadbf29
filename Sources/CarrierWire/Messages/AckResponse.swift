/// Names the nonce of a frame that asked for an ack (opcode 18).
public struct AckResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.ackResponse

    /// That of the frame that asked for it.
    public var nonce: UInt32

    /// Acknowledges the frame with this nonce.
    public init(nonce: UInt32) { self.nonce = nonce }

    public init(from reader: inout Reader) throws(WireError) { nonce = try reader.u32("nonce") }

    public func write(to writer: inout Writer) { writer.u32(nonce) }
}
