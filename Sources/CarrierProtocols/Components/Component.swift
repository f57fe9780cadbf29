public import CarrierCrypto
public import CarrierWire

/// A building block or an application's part that receives messages: a value that turns events into effects.
///
/// A component does no I/O, reads no clock and makes no randomness: all that is in the context. So it runs the same in a
/// simulation of ten thousand nodes as on sockets. Components are called in the order of their registration; what one throws
/// is logged and counted, costs the message at hand and nobody else anything.
public protocol Component: Sendable {
    /// For logs and metrics.
    var name: String { get }
    /// The opcodes whose messages come here. Of carrier's own opcodes each belongs to one component; several components
    /// may share an application's.
    var opcodes: [Opcode] { get }
    /// The limits that this component keeps to, and how much of each is in use; `Context.reached` says when one was.
    func limits(_ context: Context) -> [LimitUse]

    /// The node runs: schedule what is to happen, dial whom you need.
    mutating func started(_ context: inout Context) throws
    /// A peer is connected; messages of it come after this.
    mutating func connected(_ peer: PeerInfo, _ context: inout Context) throws
    /// A connected peer has a newer word about itself.
    mutating func renewed(_ peer: PeerInfo, _ context: inout Context) throws
    /// A message of one of `opcodes`. Returns whether the message is claimed: then later components do not see it.
    /// A `WireError` thrown from here says that the body is malformed and ends the connection.
    mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool
    /// What became of a frame that was sent with an expectation.
    mutating func answered(_ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context) throws
    /// What became of a dial: the peer that answered, or why there is none.
    mutating func dialled(_ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context) throws
    /// A scheduled time has come.
    mutating func fired(_ ticket: Ticket, _ context: inout Context) throws
    /// A peer is gone; comes once for each `connected`, and no message of it comes after this.
    mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) throws
    /// The node ends; every peer has been disconnected before.
    mutating func stopped(_ context: inout Context) throws
}

extension Component {
    public var name: String { String(describing: Self.self) }
    public var opcodes: [Opcode] { [] }
    public func limits(_ context: Context) -> [LimitUse] { [] }
    public mutating func started(_ context: inout Context) throws {}
    public mutating func connected(_ peer: PeerInfo, _ context: inout Context) throws {}
    public mutating func renewed(_ peer: PeerInfo, _ context: inout Context) throws {}
    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool { false }
    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) throws {}
    public mutating func dialled(
        _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) throws {}
    public mutating func fired(_ ticket: Ticket, _ context: inout Context) throws {}
    public mutating func disconnected(
        _ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context
    ) throws {}
    public mutating func stopped(_ context: inout Context) throws {}
}
