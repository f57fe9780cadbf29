public import CarrierCrypto
public import CarrierWire

/// What relays and those behind them want done with sockets.
public enum RelayEffect: Sendable {
    /// Open a listening port for a peer; then call `RelayServer.doorOpened`.
    case openDoor(UInt64, for: PeerID)
    /// Close it, with the connections that wait there.
    case closeDoor(UInt64)
    /// End a connection that waits at a door, or that has passed it.
    case endCircuit(UInt64)
    /// Fetch a connection that waits at a relay's door; then, when it is over, call `RelayClient.circuitEnded`.
    case fetch(WaitingCircuit)
}

/// Somebody who waits at the door that a relay holds open for this node.
public struct WaitingCircuit: Sendable, Hashable {
    /// The relay, pinned.
    public let relay: Address
    /// What names the circuit to the relay.
    public let ticket: [UInt8]
    /// Who waits, in the relay's words.
    public let remote: String
}
