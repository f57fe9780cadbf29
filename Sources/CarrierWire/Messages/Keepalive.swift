/// Asks whether the peer is still there (opcode 2).
public struct Keepalive: BuiltInMessage, Hashable {
    public static let opcode = Opcode.keepalive
    /// It has no fields.
    public init() {}
    public init(from reader: inout Reader) throws(WireError) {}
    public func write(to writer: inout Writer) {}
}

/// It is (opcode 3).
public struct KeepaliveResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.keepaliveResponse
    /// It has no fields.
    public init() {}
    public init(from reader: inout Reader) throws(WireError) {}
    public func write(to writer: inout Writer) {}
}
