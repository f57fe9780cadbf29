/// What a frame's body means.
public struct Opcode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable
    public init(_ value: UInt32) { rawValue = value }

    public static let unregistered = Opcode(0)
    public static let bytes = Opcode(1)
    public static let keepalive = Opcode(2)
    public static let keepaliveResponse = Opcode(3)
    public static let proxyResponse = Opcode(9)
    public static let ping = Opcode(10)
    public static let pong = Opcode(11)
    public static let lookupNodeRequest = Opcode(12)
    public static let lookupNodeResponse = Opcode(13)
    public static let disconnect = Opcode(14)
    public static let proxyRequest = Opcode(15)
    public static let metricRequest = Opcode(16)
    public static let metricResponse = Opcode(17)
    public static let ackResponse = Opcode(18)
    public static let broadcast = Opcode(19)
    public static let broadcastReport = Opcode(20)
    public static let reachabilityRequest = Opcode(21)
    public static let reachabilityResponse = Opcode(22)
    public static let broadcastDigest = Opcode(23)
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
