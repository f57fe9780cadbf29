public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// One line of what a capture holds: a unit of the protocol, a gap, or the bytes of the file around them.
///
/// The records that are not derived, put together, are the input to the byte; derived ones show what was found inside
/// (a reassembled stream, an opened record, the bytes that hex digits spell).
public struct CaptureRecord {
    /// Where a unit belongs.
    public enum Layer: String, Sendable {
        case preface
        case handshake
        case record
        case session
    }

    /// Which way a frame went, as the node that recorded it saw it (carrier-wire(7) §9).
    public enum Direction: UInt8, Sendable {
        case sent = 0
        case received = 1
    }

    /// A unit of the protocol.
    public struct Unit {
        /// Counts the units of a run from 1.
        public let number: Int
        public let layer: Layer
        /// The message's name in kebab-case, `application` for opcodes from 1000 up.
        public let kind: String
        /// A frame's header; nil for other layers.
        public let header: FrameHeader?
        public var fields: [Field]
        /// What is wrong with it; nil where nothing is.
        public var problem: String?
        /// Whether a signature, a puzzle or a tag was checked and found wanting.
        public var failsCheck = false
        /// Where the capture says: which way it went.
        public var direction: Direction?
        /// Where the capture says: with which peer.
        public var peer: PeerID?
    }

    /// What a record is.
    public enum Content {
        case unit(Unit)
        /// No unit of the protocol, and why.
        case gap(String)
        /// Bytes of the file that hold the units: what they are.
        case container(StaticString)
    }

    /// Where it begins: in the input, or in the stream for what was found in one.
    public let offset: UInt64
    /// How long it is, in bytes.
    public let length: UInt64
    /// The bytes; nil for those that the capture does not hold, or that a container holds already.
    public let raw: ByteBuffer?
    /// Whether a container holds these bytes in another form.
    public let isDerived: Bool
    /// The connection it was found in.
    public let stream: StreamInfo?
    public let content: Content
}

/// One direction of a connection of the capture.
public struct StreamInfo: Sendable, Hashable {
    /// What carries the connection.
    public enum Transport: Sendable {
        case tcp
        case udp
        case quic

        var name: StaticString {
            switch self {
            case .tcp: "tcp"
            case .udp: "udp"
            case .quic: "quic"
            }
        }
    }

    /// Counts the connections of the capture from 1.
    public let number: Int
    public let transport: Transport
    public let source: Endpoint
    public let destination: Endpoint
    /// Whether the connection's initiator sent it, as far as the handshake or the SYN tells.
    public var isFromInitiator: Bool?
}

/// An IP address and a port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    public let port: UInt16

    public var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }
}
