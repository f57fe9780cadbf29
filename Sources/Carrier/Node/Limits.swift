public import CarrierProtocols
internal import CarrierWire

/// Every limit of a node, with its default: what peers, networks and machines may cost it.
public struct Limits: Sendable, Hashable {
    /// What handshakes may cost.
    public struct Handshake: Sendable, Hashable {
        /// A handshake as a whole, from the link to the session. Default 10 s.
        public var deadline: Duration = .seconds(10)
        /// Inbound handshakes at once; one more ends the oldest, silent ones first. Default 32.
        public var halfOpen = 32
        /// Words of peers about themselves that are remembered: their signatures need no second check. Default 1 024.
        public var remembered = 1024
    }

    /// How many connections there may be.
    public struct Connections: Sendable, Hashable {
        /// Connections that others dialled. Default 128.
        public var inbound = 128
        /// Connections that this node dialled. Default 128.
        public var outbound = 128
        /// Of those, the ones that only components had a use for; beyond that the one longest without use ends. Default 64.
        public var spare = 64
        /// How long an inbound connection must have been without use to end for a newcomer. Default 10 s.
        public var rest: Duration = .seconds(10)
        /// Inbound connections of one IPv4 address or IPv6 /56, loopback exempt. Default 8.
        public var perSite = 8
        /// New inbound connections a second of one IP address, loopback exempt. Default 0.2.
        public var newPerSecond = 0.2
        /// How many of those may come at once. Default 16.
        public var newBurst = 16
        /// How long a session has to prove that it is alive when its peer opens a second one. Default 2 s.
        public var probe: Duration = .seconds(2)
        /// How long a connection may take to say good-bye. Default 2 s.
        public var farewell: Duration = .seconds(2)
    }

    /// What a dial may cost.
    public struct Dial: Sendable, Hashable {
        /// One address, from the first packet to the link. Default 5 s.
        public var timeout: Duration = .seconds(5)
        /// The head start of each address before the next one. Default 250 ms (RFC 8305 §5).
        public var stagger: Duration = .milliseconds(250)
        /// All addresses of a peer that a component has a message for, up to the answer, where the answer alone is given
        /// less. Default 2 s.
        public var delivery: Duration = .seconds(2)
    }

    /// What receiving may cost.
    public struct Receive: Sendable, Hashable {
        /// One frame, from its first byte to its last. Default 10 s.
        public var frame: Duration = .seconds(10)
        /// One message in an application's handler. Default 3 s.
        public var processing: Duration = .seconds(3)
        /// The body of a message. Default 4 MiB.
        public var message = Frame.defaultBodyLimit
        /// Empty records, empty pieces of the byte stream and replies that nobody waits for, a second and at once; beyond
        /// that the peer is left waiting. Default 5000, 100 000.
        public var forNothing = TokenBucket.Rate(perSecond: 5000, burst: 100_000)
        /// How long the node may poll for the next bytes of a peer that answers within half of that as a rule, before its thread
        /// sleeps: waking would take longer. All else on the node's loop waits meanwhile. 0: never. Default 100 µs.
        public var busyPoll: Duration = .microseconds(100)
        /// Bytes of messages that wait for an application before its peer is held back. Default 1 MiB.
        public var waiting = 1 << 20
        /// Events that wait for who takes `Node.events`; more are dropped, but messages, which hold their peer back.
        /// Default 65 536.
        public var events = 65_536
        /// Bytes of broadcasts among them; more are dropped. Default 16 MiB.
        public var eventBytes = 16 << 20
    }

    /// What sending may cost.
    public struct Send: Sendable, Hashable {
        /// Bytes that wait for one peer. Default 4 MiB.
        public var buffer = 4 << 20
        /// How long a send waits for room. Default 3 s.
        public var wait: Duration = .seconds(3)
        /// How long the buffer may stay full before the peer is dropped. Default 10 s.
        public var full: Duration = .seconds(10)
        /// Requests to one peer that wait for a reply. Default 256.
        public var requests = 256
        /// How long a request waits. Default 10 s.
        public var request: Duration = .seconds(10)
    }

    /// What silence means.
    public struct Idle: Sendable, Hashable {
        /// Silence after which a keepalive is sent; nil for none. Default 30 s.
        public var keepalive: Duration? = .seconds(30)
        /// Silence after which the peer is dropped. Default 90 s.
        public var drop: Duration = .seconds(90)
    }

    /// What handshakes may cost.
    public var handshake = Handshake()
    /// How many connections there may be.
    public var connections = Connections()
    /// What a dial may cost.
    public var dial = Dial()
    /// What receiving may cost.
    public var receive = Receive()
    /// What sending may cost.
    public var send = Send()
    /// What silence means.
    public var idle = Idle()

    /// What the node remembers of others, and of how many in one subnet.
    public var table = RoutingTable.Limits()

    /// The defaults.
    public init() {}
}
