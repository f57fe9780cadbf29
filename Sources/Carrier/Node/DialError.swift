public import CarrierProtocols
public import CarrierTransport
public import CarrierWire

/// Why a dial gave no connection.
public enum DialError: Error, Sendable, CustomStringConvertible {
    /// There was nothing to dial.
    case noAddress
    /// None of the addresses answered; the one that came furthest is named.
    case unreachable(Address, LinkError)
    /// Nobody answered in time (`Limits.Dial.timeout`).
    case timeout(Address, Duration)
    /// Somebody answered, and the handshake failed.
    case handshake(Address, HandshakeError)
    /// The peer ended the connection at once.
    case rejected(Address, DisconnectCause)
    /// The node has as many outbound connections as allowed.
    case tooManyConnections(limit: Int)
    /// The node is shutting down.
    case shuttingDown

    public var description: String {
        switch self {
        case .noAddress: "expected at least one address to dial, got none"
        case .unreachable(let address, let error): "\(address): \(error)"
        case .timeout(let address, let limit):
            "\(address): no answer within \(limit): expected a node to listen there; check address, port and firewall"
        case .handshake(let address, let error): "\(address): \(error)"
        case .rejected(let address, let cause): "\(address): \(cause)"
        case .tooManyConnections(let limit): "expected at most \(limit) outbound connections; end one first"
        case .shuttingDown: "the node is shutting down"
        }
    }

    /// How far the dial came: the error of the address that came furthest is the one to tell.
    var progress: Int {
        switch self {
        case .noAddress, .shuttingDown, .tooManyConnections: 0
        case .unreachable(_, .closedHere): 0
        case .unreachable, .timeout: 1
        case .handshake(_, .linkClosed): 2
        case .handshake: 3
        case .rejected: 4
        }
    }

    /// What a component hears of it.
    var asRequestError: RequestError {
        switch self {
        case .tooManyConnections, .shuttingDown, .unreachable(_, .outOfResources): .notDialled("\(self)")
        case .noAddress, .unreachable, .timeout, .handshake, .rejected: .unreachable("\(self)")
        }
    }
}
