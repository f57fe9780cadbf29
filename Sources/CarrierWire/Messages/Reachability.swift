/// Asks the peer to dial an address and shake hands with the asker's id (opcode 21, carrier-wire(7) §5.3).
public struct ReachabilityRequest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.reachabilityRequest

    /// Where to dial, as an address without a peer id.
    public var address: String

    /// Asks the peer to dial there and shake hands with us.
    public init(address: String) { self.address = address }

    public init(from reader: inout Reader) throws(WireError) {
        address = try reader.string("address", limit: PeerRecord.addressSizeLimit)
    }

    public func write(to writer: inout Writer) { writer.string(address) }
}

/// How that went (opcode 22).
public struct ReachabilityResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.reachabilityResponse

    /// 0 reached and authenticated, 1 not reached, 2 address refused, 3 rate limited.
    public var status: UInt16
    /// Why not, where the status is not `reached`.
    public var text: String

    /// The peer got through and shook hands with us.
    public static let reached: UInt16 = 0
    /// It did not get through; `text` says why.
    public static let notReached: UInt16 = 1
    /// It does not dial addresses other than the one it sees us at.
    public static let refused: UInt16 = 2
    /// It has been asked too often lately.
    public static let rateLimited: UInt16 = 3

    /// An answer.
    public init(status: UInt16, text: String = "") {
        self.status = status
        self.text = text
    }

    public init(from reader: inout Reader) throws(WireError) {
        status = try reader.u16("status")
        text = try reader.string("text")
    }

    public func write(to writer: inout Writer) {
        writer.u16(status)
        writer.string(text)
    }
}
