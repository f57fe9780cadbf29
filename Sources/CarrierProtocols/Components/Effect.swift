public import CarrierCrypto
public import CarrierWire
public import Logging

/// What a component wants done. The shell carries effects out, first in, first out.
public enum Effect: Sendable {
    /// Send a frame; with an expectation, the outcome comes back to the component as `answered`.
    case send(Frame, to: Destination, Expectation)
    /// End the connection with a peer, telling it why.
    case disconnect(PeerID, Disconnect.Reason, String)
    /// Connect; the outcome comes back as `dialled`. A spare connection may end again to make room for another.
    case dial(Address, isSpare: Bool = false, ticket: Ticket)
    /// Shake hands with whom the address is pinned to, over a link of its own beside any connection that stands, and end it:
    /// whether the address leads there. The outcome comes back as `dialled`.
    case check(Address, ticket: Ticket)
    /// Do something with a relay's sockets.
    case relay(RelayEffect)
    /// Call `fired` at this time, or soon after it; takes the place of what was scheduled with this ticket before.
    case schedule(Ticket, at: Instant)
    /// Forget a scheduled call.
    case cancel(Ticket)
    /// Tell the application.
    case deliver(any Notice)
    /// The peer misbehaved; enough of this ends its connection.
    case penalise(PeerID, String)
    /// A limit was reached: count it.
    case reached(LimitUse.Name)
    /// Write a line to the log.
    case log(Logger.Level, String)
}

/// What a component tells the application: a value of a type that the component documents.
public protocol Notice: Sendable {}

/// Names an outcome that a component waits for. Unique for one component; the component chooses the number.
public struct Ticket: Hashable, Sendable {
    /// The component's own number.
    public let number: UInt64
    /// A ticket of that number.
    public init(_ number: UInt64) { self.number = number }
}

/// Whom a frame is for.
public struct Destination: Hashable, Sendable {
    /// Who.
    public var peer: PeerID
    /// Where to dial the peer if it is not connected; empty: fail instead. The connection is a spare one until a message of an
    /// application goes over it.
    public var addresses: [Address]

    /// A peer, and where to dial it.
    public init(_ peer: PeerID, dialling addresses: [Address] = []) {
        self.peer = peer
        self.addresses = addresses
    }
}

/// What a frame's sender waits for.
public enum Expectation: Hashable, Sendable {
    /// Nothing: sent or not, nobody is told.
    case nothing
    /// A reply: the frame goes out as a request.
    case reply(Ticket, within: Duration)
    /// An ack: the frame goes out with `needsAck`.
    case ack(Ticket, within: Duration)

    /// The same, within so much time where that is less.
    public func shortened(to limit: Duration) -> Expectation {
        switch self {
        case .nothing: .nothing
        case .reply(let ticket, let own): .reply(ticket, within: min(own, limit))
        case .ack(let ticket, let own): .ack(ticket, within: min(own, limit))
        }
    }
}

/// How an expectation ended.
public enum Answer: Sendable {
    /// The reply.
    case reply(Frame)
    /// The peer has acknowledged the frame.
    case acknowledged
    /// Nothing came in time, the connection broke, or there was none.
    case failed(RequestError)
}

/// Why a request has no answer.
public enum RequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing came in time.
    case timeout(Duration)
    /// The connection ended first.
    case disconnected(DisconnectCause)
    /// There is no connection to the peer and none could be made.
    case unreachable(String)
    /// Nobody was dialled: this node has as many connections as it may have, or is shutting down.
    case notDialled(String)
    /// As many requests as allowed wait for this peer already.
    case tooManyOutstanding(limit: Int)
    /// The frame does not fit into a datagram.
    case datagramTooLarge(limit: Int, got: Int)
    /// The task that waited was cancelled.
    case cancelled
    /// The send buffer stayed full.
    case sendBufferFull(limit: Int)

    public var description: String {
        switch self {
        case .timeout(let limit): "expected an answer within \(limit), got none"
        case .disconnected(let cause): "expected an answer, the connection ended: \(cause)"
        case .unreachable(let reason), .notDialled(let reason): "expected a connection, got none: \(reason)"
        case .tooManyOutstanding(let limit): "expected at most \(limit) requests waiting for one peer, got one more"
        case .datagramTooLarge(let limit, let got):
            "expected a frame of at most \(limit) bytes over udp://, got \(got); use tcp:// or quic://"
        case .cancelled: "expected an answer, the task was cancelled"
        case .sendBufferFull(let limit): "expected room in the send buffer of \(limit) bytes, got none in time"
        }
    }

    /// Whether the far side is at fault, not a limit of our own.
    var blamesPeer: Bool {
        switch self {
        // One side had no room for the connection.
        case .disconnected(.local(.tooManyConnections, _)), .disconnected(.remote(.tooManyConnections, _)): false
        case .timeout, .disconnected, .unreachable: true
        case .notDialled, .tooManyOutstanding, .sendBufferFull, .datagramTooLarge, .cancelled: false
        }
    }
}
