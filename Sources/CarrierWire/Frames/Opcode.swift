/// What a frame's body means.
public struct Opcode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The opcode with this number.
    @inlinable
    public init(_ value: UInt32) { rawValue = value }

    /// 0: never sent.
    public static let unregistered = Opcode(0)
    /// 1: application bytes as they are.
    public static let bytes = Opcode(1)
    /// 2: ``Keepalive``.
    public static let keepalive = Opcode(2)
    /// 3: ``KeepaliveResponse``.
    public static let keepaliveResponse = Opcode(3)
    /// 9: ``ProxyResponse``.
    public static let proxyResponse = Opcode(9)
    /// 10: ``Ping``.
    public static let ping = Opcode(10)
    /// 11: ``Pong``.
    public static let pong = Opcode(11)
    /// 12: ``LookupNodeRequest``.
    public static let lookupNodeRequest = Opcode(12)
    /// 13: ``LookupNodeResponse``.
    public static let lookupNodeResponse = Opcode(13)
    /// 14: ``Disconnect``.
    public static let disconnect = Opcode(14)
    /// 15: ``ProxyRequest``.
    public static let proxyRequest = Opcode(15)
    /// 16: ``MetricRequest``.
    public static let metricRequest = Opcode(16)
    /// 17: ``MetricResponse``.
    public static let metricResponse = Opcode(17)
    /// 18: ``AckResponse``.
    public static let ackResponse = Opcode(18)
    /// 19: ``Broadcast``.
    public static let broadcast = Opcode(19)
    /// 20: ``BroadcastReport``.
    public static let broadcastReport = Opcode(20)
    /// 21: ``ReachabilityRequest``.
    public static let reachabilityRequest = Opcode(21)
    /// 22: ``ReachabilityResponse``.
    public static let reachabilityResponse = Opcode(22)
    /// 23: ``BroadcastDigest``.
    public static let broadcastDigest = Opcode(23)
    /// 24: ``BroadcastWant``.
    public static let broadcastWant = Opcode(24)

    /// The first opcode that an application may register.
    public static let firstOfApplication = Opcode(1000)

    /// Whether the opcode is an application's, not carrier's own.
    @inlinable
    public var isApplication: Bool { rawValue >= 1000 }

    /// The kebab-case name of one of carrier's own messages; nil for others.
    public var builtInName: String? {
        switch self {
        case .unregistered: "unregistered"
        case .bytes: "bytes"
        case .keepalive: "keepalive"
        case .keepaliveResponse: "keepalive-response"
        case .proxyResponse: "proxy-response"
        case .ping: "ping"
        case .pong: "pong"
        case .lookupNodeRequest: "lookup-node-request"
        case .lookupNodeResponse: "lookup-node-response"
        case .disconnect: "disconnect"
        case .proxyRequest: "proxy-request"
        case .metricRequest: "metric-request"
        case .metricResponse: "metric-response"
        case .ackResponse: "ack-response"
        case .broadcast: "broadcast"
        case .broadcastReport: "broadcast-report"
        case .reachabilityRequest: "reachability-request"
        case .reachabilityResponse: "reachability-response"
        case .broadcastDigest: "broadcast-digest"
        case .broadcastWant: "broadcast-want"
        default: nil
        }
    }

    /// The name of a built-in message, else `opcode N`.
    public var description: String { builtInName ?? "opcode \(rawValue)" }
}
