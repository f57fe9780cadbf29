/// Asks a relay for a door, or claims a circuit of one (opcode 15, carrier-wire(7) §5.2).
public struct ProxyRequest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.proxyRequest

    /// 0 asks for a door, 1 claims the circuit of `ticket`.
    public var kind: UInt8
    /// 16 bytes, zero where unused.
    public var ticket: [UInt8]

    /// Asks for a door.
    public static let openDoor: UInt8 = 0
    /// Takes over the connection that a ticket names.
    public static let claimCircuit: UInt8 = 1
    /// Bytes of a ticket.
    public static let ticketSize = 16

    /// - Precondition: the ticket has 16 bytes.
    public init(kind: UInt8, ticket: [UInt8] = [UInt8](repeating: 0, count: ProxyRequest.ticketSize)) {
        precondition(ticket.count == Self.ticketSize, "a ticket has 16 bytes")
        self.kind = kind
        self.ticket = ticket
    }

    public init(from reader: inout Reader) throws(WireError) {
        kind = try reader.u8("kind")
        ticket = try reader.array("ticket", count: Self.ticketSize)
    }

    public func write(to writer: inout Writer) {
        writer.u8(kind)
        writer.raw(ticket)
    }
}

/// A relay's answer, or its word that somebody is at the door (opcode 9).
public struct ProxyResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.proxyResponse

    /// 0 open, 1 refused, 2 full, 3 rate limited, 100 a connection waits.
    public var status: UInt16
    /// The door's address, or the remote address of the connection that waits.
    public var publicAddress: String
    /// 16 bytes, zero where unused.
    public var ticket: [UInt8]

    /// The door is open, at `publicAddress`.
    public static let open: UInt16 = 0
    /// The node is no relay, or not for us.
    public static let refused: UInt16 = 1
    /// The relay has as many doors as it takes.
    public static let full: UInt16 = 2
    /// Asked too often.
    public static let rateLimited: UInt16 = 3
    /// Somebody is at the door: claim the connection with `ticket`.
    public static let incoming: UInt16 = 100

    /// - Precondition: the ticket has 16 bytes.
    public init(
        status: UInt16, publicAddress: String = "",
        ticket: [UInt8] = [UInt8](repeating: 0, count: ProxyRequest.ticketSize)
    ) {
        precondition(ticket.count == ProxyRequest.ticketSize, "a ticket has 16 bytes")
        self.status = status
        self.publicAddress = publicAddress
        self.ticket = ticket
    }

    public init(from reader: inout Reader) throws(WireError) {
        status = try reader.u16("status")
        publicAddress = try reader.string("publicAddress", limit: PeerRecord.addressSizeLimit)
        ticket = try reader.array("ticket", count: ProxyRequest.ticketSize)
    }

    public func write(to writer: inout Writer) {
        writer.u16(status)
        writer.string(publicAddress)
        writer.raw(ticket)
    }
}
