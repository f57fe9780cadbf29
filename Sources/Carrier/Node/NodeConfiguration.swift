public import CarrierCrypto
public import CarrierProtocols
public import CarrierTransport
public import CarrierWire
public import Logging

/// What a node is to be. Every field has a default but the identity.
public struct NodeConfiguration: Sendable {
    /// Who the node is.
    public var identity: Identity
    /// Which network it belongs to. Default 1.
    public var network = Preface.defaultNetwork
    /// The least that a peer's puzzles must be solved to. Default 8 and 8 bits.
    public var minimum = Puzzle.Difficulty()
    /// Program and version, as peers see it, at most 64 bytes.
    public var agent = "carrier/\(carrierVersion)"
    /// What peers, networks and machines may cost.
    public var limits = Limits()
    /// Which addresses a dial may use. Default any.
    public var family = AddressFamily.any
    /// The application's own transports, one a scheme; for other schemes a node has TCP, QUIC and UDP. Default none.
    public var transports: [any Transport] = []
    /// Whether QUIC lets the system cut and join datagrams (GSO, GRO). Without it transfers are several times slower, and
    /// captures on loopback show each packet. Default yes.
    public var usesDatagramOffload = true
    /// Whether `Bytes` frames are streams for `Peer.splice`; else they are messages like others. Default yes.
    public var takesByteStreams = true
    /// What being a relay for others may cost: opens ports for nodes that nobody can dial. Default nil: not a relay.
    public var relay: RelayServer.Configuration?
    /// Relays to ask for a door where they cannot reach this node themselves. Default none.
    public var relays: [Address] = []
    /// The application's messages. Default none.
    public var messages = MessageRegistry()
    /// Whether application opcodes that nobody registered are messages like others; else they end the connection.
    /// Default no.
    public var acceptsUnregistered = false
    /// Asked for each peer that has proved who it is; a refusal's text is told to the peer. Default: everyone.
    public var admit: @Sendable (PeerInfo) -> Verdict = { _ in .welcome }
    /// Gets the key log line of each session (carrier-wire(7) §8); nil keeps no keys. Default nil.
    public var keyLog: (@Sendable (String) -> Void)?
    /// Gets each frame sent and received, in the clear; nil records nothing. Default nil.
    public var recorder: (@Sendable (RecordedFrame) -> Void)?
    /// Where the node writes about itself.
    public var logger = Logger(label: "carrier")

    /// Everything but the identity at its default.
    public init(identity: Identity) { self.identity = identity }

    /// Whether a peer is let in.
    public enum Verdict: Sendable {
        /// The peer may stay.
        case welcome
        /// The peer is sent away; the text tells it why.
        case refused(String)
    }
}

/// A frame as it passed through a node.
public struct RecordedFrame: Sendable {
    /// Whether this node sent it.
    public let isSent: Bool
    /// Who is at the other end.
    public let peer: PeerID
    /// With its nonce and flags as they are on the wire.
    public let frame: Frame
    /// When, Unix time in microseconds.
    public let unixMicroseconds: UInt64
}
