internal import CoreMetrics
internal import Metrics

/// One limit of a node: what it is set to, how much of it is in use, and how often it was reached.
public struct LimitUse: Sendable, Hashable {
    /// Which one; the raw value carries the unit.
    public enum Name: String, CaseIterable, Sendable {
        /// `Limits.Handshake.deadline`: handshakes that took too long.
        case handshake = "handshake_ms"
        /// `Limits.Handshake.halfOpen`: handshakes that made room for another.
        case halfOpen = "half_open"
        /// `Limits.Connections.inbound`: peers turned away.
        case inbound
        /// `Limits.Connections.outbound`: dials that were not begun.
        case outbound
        /// `Limits.Connections.perSite`: links turned away.
        case perSite = "per_site"
        /// `Limits.Connections.newPerSecond` and `newBurst`: links turned away.
        case newConnections = "new_per_s"
        /// `Limits.Dial.timeout`: addresses that did not answer.
        case dial = "dial_ms"
        /// `Limits.Receive.frame`: peers dropped.
        case frame = "frame_ms"
        /// `Limits.Receive.processing`: components that took too long, or threw.
        case processing = "processing_ms"
        /// `Limits.Receive.message`: peers dropped.
        case message = "message_bytes"
        /// `Limits.Receive.forNothing`: times that a peer was left waiting.
        case forNothing = "for_nothing_per_s"
        /// `Limits.Receive.waiting`: times that a peer was held back; used: by the peer of whom most waits.
        case waiting = "waiting_bytes"
        /// `Limits.Send.buffer`: times that a buffer was full; used: by the peer for whom most waits.
        case sendBuffer = "send_buffer_bytes"
        /// `Limits.Send.wait`: sends that failed.
        case sendWait = "send_wait_ms"
        /// `Limits.Send.full`: peers dropped.
        case sendFull = "send_full_ms"
        /// `Limits.Send.requests`: requests that were not sent; used: by the peer who owes most answers.
        case requests
        /// Requests that nobody answered in their time; `Limits.Send.request` where they have none of their own.
        case request = "request_ms"
        /// `Limits.Idle.drop`: peers dropped.
        case idle = "idle_ms"
    }

    /// Which limit.
    public let name: Name
    /// How much of it is in use; nil where that means nothing.
    public let used: Int?
    /// What it is set to, in the unit that the name says.
    public let limit: Double
    /// How often it was reached since the node started.
    public let reached: UInt64
}

/// Counts how often each limit was reached.
struct LimitCounts {
    private var counts: [LimitUse.Name: UInt64] = [:]
    private let meters = Dictionary(
        uniqueKeysWithValues: LimitUse.Name.allCases.map {
            ($0, Counter(label: "carrier_limit_reached_total", dimensions: [("limit", $0.rawValue)]))
        })

    subscript(name: LimitUse.Name) -> UInt64 { counts[name, default: 0] }

    mutating func note(_ name: LimitUse.Name) {
        counts[name, default: 0] &+= 1
        meters[name]?.increment()
    }
}
