public import CarrierCrypto
public import CarrierWire
internal import NIOCore

/// Measures latency and throughput of every peer over a sliding window, and answers the peers that measure this node
/// (carrier-wire(7) §5, opcodes 16 and 17).
public struct PeerMetrics: Component {
    /// What to measure, and how often.
    public struct Configuration: Sendable, Hashable {
        /// From one measurement of a peer to the next; nil: answer only. Default nil.
        public var interval: Duration?
        /// How many measurements of a peer are kept. Default 64.
        public var window = 64
        /// Bytes that go back and forth in each. Default 1024.
        public var payload = 1024
        /// How long a measurement may take. Default 10 s.
        public var timeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }

    /// What the window of one peer says. Times are round trips.
    public struct Report: Sendable, Hashable {
        /// Measurements that were answered.
        public let samples: Int
        /// Measurements that were not, in time or at all.
        public let lost: Int
        /// The mean.
        public let mean: Duration
        /// The standard deviation.
        public let deviation: Duration
        /// The median.
        public let p50: Duration
        /// Nineteen of twenty are no longer than this.
        public let p95: Duration
        /// Ninety-nine of a hundred are no longer than this.
        public let p99: Duration
        /// Payload bytes a second, both ways, while measuring.
        public let throughput: Double
    }

    private struct Sample: Sendable {
        let roundTrip: Duration
        let bytes: Int
    }

    private struct Window: Sendable {
        /// The newest measurements; nil for one that was lost.
        private(set) var outcomes: [Sample?] = []
        private var next = 0

        /// Adds one, in place of the oldest when there are `size`.
        mutating func add(_ outcome: Sample?, size: Int) {
            if outcomes.count < size {
                outcomes.append(outcome)
            } else if outcomes.indices.contains(next) {
                outcomes[next] = outcome
                next = (next + 1) % outcomes.count
            }
        }
    }

    public let name = "metrics"
    public let opcodes: [Opcode] = [.metricRequest]
    private let configuration: Configuration
    private var windows: [PeerID: Window] = [:]
    private var pending: [Ticket: (peer: PeerID, sentAt: Instant)] = [:]
    private var lastTicket: UInt64 = 0
    private static let round = Ticket(0)

    /// Answers, and measures where `configuration` says so.
    public init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

    /// What is known of a peer; nil before the first measurement.
    public func report(of peer: PeerID) -> Report? {
        guard let outcomes = windows[peer]?.outcomes else { return nil }
        let samples = outcomes.compactMap { $0 }
        guard !samples.isEmpty else { return nil }
        let times = samples.map(\.roundTrip.nanoseconds).sorted()
        let count = Double(times.count)
        let mean = times.reduce(0.0) { $0 + Double($1) } / count
        let variance = times.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        func percentile(_ share: Double) -> Duration {
            .nanoseconds(times[min(times.count - 1, max(0, Int((count * share).rounded(.up)) - 1))])
        }
        let seconds = mean * count / 1e9
        let bytes = samples.reduce(0.0) { $0 + Double($1.bytes) }
        return Report(
            samples: times.count, lost: outcomes.count - times.count, mean: .nanoseconds(Int64(mean)),
            deviation: .nanoseconds(Int64(variance.squareRoot())), p50: percentile(0.5), p95: percentile(0.95),
            p99: percentile(0.99), throughput: seconds > 0 ? bytes / seconds : 0)
    }

    public mutating func started(_ context: inout Context) {
        if let interval = configuration.interval { context.perform(.schedule(Self.round, at: context.now + interval)) }
    }

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        guard message.isRequest else { return true }
        context.reply(to: message, with: MetricResponse(try MetricRequest(fields: message.frame.body)))
        return true
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        guard let interval = configuration.interval else { return }
        for peer in context.peers.keys { measure(peer, &context) }
        context.perform(.schedule(Self.round, at: context.now + interval))
    }

    private mutating func measure(_ peer: PeerID, _ context: inout Context) {
        lastTicket += 1
        let ticket = Ticket(lastTicket)
        pending[ticket] = (peer, context.now)
        let request = MetricRequest(
            sentAt: UInt64(clamping: context.now.nanoseconds),
            data: ByteBuffer(repeating: 0, count: configuration.payload))
        context.send(request.frame(), to: Destination(peer), .reply(ticket, within: configuration.timeout))
    }

    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) throws {
        guard let sent = pending.removeValue(forKey: ticket), context.peers[peer] != nil else { return }
        guard case .reply(let frame) = answer, frame.opcode == .metricResponse else {
            windows[peer, default: Window()].add(nil, size: configuration.window)
            return
        }
        let response = try MetricResponse(fields: frame.body)
        let sample = Sample(
            roundTrip: context.now - sent.sentAt, bytes: 2 * response.data.readableBytes)
        windows[peer, default: Window()].add(sample, size: configuration.window)
    }

    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        windows[peer.peer] = nil
    }
}
