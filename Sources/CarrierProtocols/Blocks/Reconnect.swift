internal import CarrierCrypto
public import CarrierWire
internal import Logging

/// Keeps connections to some addresses: dials them at the start, and again when they end or cannot be made, after a pause that
/// doubles.
public struct Reconnect: Component {
    /// How often and how long apart.
    public struct Configuration: Sendable, Hashable {
        /// Dials in a row without success, after which an address is given up. Default 3.
        public var attempts = 3
        /// The pauses between dials.
        public var backOff = BackOff()

        /// The defaults.
        public init() {}
    }

    /// An address was given up.
    public struct GivenUp: Notice, Hashable {
        /// Where nobody could be reached.
        public let address: Address
        /// What the last dial came to.
        public let error: RequestError
    }

    public let name = "reconnect"
    private let configuration: Configuration
    private let addresses: [Address]
    /// Failures in a row, one for each address.
    private var failures: [Int]
    /// Which address leads to a peer.
    private var indexOf: [PeerID: Int] = [:]

    /// Keeps connections to these addresses.
    public init(to addresses: [Address], _ configuration: Configuration = Configuration()) {
        self.addresses = addresses
        self.configuration = configuration
        failures = Array(repeating: 0, count: addresses.count)
    }

    public mutating func started(_ context: inout Context) {
        for index in addresses.indices { dial(index, &context) }
    }

    public func limits(_ context: Context) -> [LimitUse] { [LimitUse(.dialAttempts, configuration.attempts)] }

    private func dial(_ index: Int, _ context: inout Context) {
        context.perform(.dial(addresses[index], ticket: Ticket(UInt64(index))))
    }

    public mutating func dialled(
        _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        let index = Int(clamping: ticket.number)
        guard addresses.indices.contains(index) else { return }
        switch outcome {
        case .success(let info):
            failures[index] = 0
            indexOf[info.peer] = index
        case .failure(let error):
            failures[index] += 1
            guard failures[index] < configuration.attempts else {
                context.perform(.deliver(GivenUp(address: addresses[index], error: error)))
                return context.reached(.dialAttempts)
            }
            later(index, &context)
        }
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        let index = Int(clamping: ticket.number)
        if addresses.indices.contains(index) { dial(index, &context) }
    }

    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        guard let index = indexOf.removeValue(forKey: peer.peer) else { return }
        // What this side ended is meant to be over.
        if case .local(let reason, _) = cause, reason == .shutdown || reason == .applicationClosed { return }
        later(index, &context)
    }

    private func later(_ index: Int, _ context: inout Context) {
        let pause = configuration.backOff.pause(after: failures[index], using: &context.random)
        context.perform(.schedule(Ticket(UInt64(index)), at: context.now + pause))
    }
}
