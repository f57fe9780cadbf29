internal import CoreMetrics
internal import Metrics

/// What a node has counted since it started.
public struct NodeStatistics: Sendable, Hashable {
    /// Connections that others dialled.
    public internal(set) var inbound: UInt64 = 0
    /// Connections that this node dialled.
    public internal(set) var outbound: UInt64 = 0
    /// Connections that ended.
    public internal(set) var disconnected: UInt64 = 0
    /// Connections that ended without a good-bye.
    public internal(set) var broken: UInt64 = 0
    /// Inbound handshakes that failed.
    public internal(set) var failedHandshakes: UInt64 = 0
    /// Inbound links turned away before the handshake.
    public internal(set) var refused: UInt64 = 0
    /// Times that a peer misbehaved.
    public internal(set) var penalties: UInt64 = 0
    /// Components that threw or took too long.
    public internal(set) var componentFailures: UInt64 = 0
    /// Frames received.
    public internal(set) var frames: UInt64 = 0
    /// Bytes received, as they are on the wire.
    public internal(set) var bytesIn: UInt64 = 0
    /// Bytes sent.
    public internal(set) var bytesOut: UInt64 = 0

    /// Nothing yet.
    public init() {}
}

/// The same, for whatever metrics system the program has set up (swift-metrics).
struct NodeMeters {
    let connections = Gauge(label: "carrier_connections")
    let connected = Counter(label: "carrier_connected_total")
    let disconnected = Counter(label: "carrier_disconnected_total")
    let failedHandshakes = Counter(label: "carrier_failed_handshakes_total")
    let refused = Counter(label: "carrier_refused_total")
    let penalties = Counter(label: "carrier_penalties_total")
    let bytesIn = Counter(label: "carrier_received_bytes_total")
    let bytesOut = Counter(label: "carrier_sent_bytes_total")
    let handshakeTime = Metrics.Timer(label: "carrier_handshake_duration")
}
