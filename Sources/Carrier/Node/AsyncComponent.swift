public import CarrierProtocols
public import CarrierWire

/// A part of an application that receives messages in `async` functions: the façade over `Component` for code that waits.
///
/// The events of one peer come one after the other, each through all async components in the order of their registration; those
/// of different peers side by side. They come after the synchronous components have seen the event. A function that throws or
/// takes longer than `Limits.Receive.processing` is logged and counted, its event is over, and the next one comes; meanwhile
/// only that peer is held back.
public protocol AsyncComponent: Sendable {
    /// For logs and metrics.
    var name: String { get }
    /// The application opcodes whose messages come here.
    var opcodes: [Opcode] { get }

    /// The node runs.
    func started(_ node: Node) async throws
    /// A peer is connected; its messages come after this.
    func connected(_ peer: Peer) async throws
    /// A message of one of `opcodes`. Returns whether it is claimed: then later components do not see it.
    func receive(_ message: Frame, from peer: Peer) async throws -> Bool
    /// A peer is gone; comes once for each `connected`, after its last message.
    func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws
    /// The node ends; every peer has been disconnected before.
    func stopped() async throws
}

extension AsyncComponent {
    public var name: String { String(describing: Self.self) }
    public var opcodes: [Opcode] { [] }
    public func started(_ node: Node) async throws {}
    public func connected(_ peer: Peer) async throws {}
    public func receive(_ message: Frame, from peer: Peer) async throws -> Bool { false }
    public func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws {}
    public func stopped() async throws {}
}
