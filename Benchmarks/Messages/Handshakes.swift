import Carrier
import NIOCore

/// Measures sessions: several nodes dial one, ask whether it took them, and disconnect, again and again.
struct Handshakes {
    let address: Address
    let nodes: Int
    /// Whether each handshake checks signatures as between two that never met.
    let areStrangers: Bool
    let seconds: Double

    init(to address: Address, nodes: Int, areStrangers: Bool, seconds: Double) {
        self.address = address
        self.nodes = nodes
        self.areStrangers = areStrangers
        self.seconds = seconds
    }

    /// - Parameter loops: the threads of the nodes that dial: with as many as there are cores, neither end of the handshakes can be the
    ///   one that the other waits for.
    func measure(on loops: [any EventLoop]) async throws -> Figures {
        var configurations: [NodeConfiguration] = []
        // What searching for identities costs is not measured here.
        for _ in 0..<nodes { configurations.append(try await MessageBench.configuration(strangers: areStrangers)) }
        let processor = ProcessorTime.used
        let start = NIODeadline.now()
        let end = start + .nanoseconds(Int64(seconds * 1e9))
        let times = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for (number, configuration) in configurations.enumerated() {
                let loop = loops[number % loops.count]
                group.addTask { try await shakeHands(configuration, on: loop, until: end) }
            }
            return try await group.reduce(into: [], +=)
        }
        return Figures(
            kind: "handshake", size: 0, inFlight: nodes, count: times.count,
            seconds: Double((NIODeadline.now() - start).nanoseconds) / 1e9,
            processorSeconds: ProcessorTime.used - processor, allocations: nil, times: times.sorted())
    }

    private func shakeHands(
        _ configuration: NodeConfiguration, on loop: any EventLoop, until end: NIODeadline
    ) async throws -> [UInt64] {
        let address = address
        return try await Node.run(configuration, on: loop) { node in
            try await Task(executorPreference: node.executor) {
                var times: [UInt64] = []
                var now = NIODeadline.now()
                while now < end {
                    let peer = try await node.dial([address])
                    try await peer.confirm(within: .seconds(5))
                    await peer.disconnect()
                    let after = NIODeadline.now()
                    times.append(UInt64(clamping: (after - now).nanoseconds))
                    now = after
                }
                return times
            }.value
        }
    }
}
