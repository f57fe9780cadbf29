internal import Carrier
internal import CarrierTesting
internal import Logging
internal import NIOCore
internal import Synchronization

/// The nodes that live now, all in this process, each with sockets of its own.
final class Population: Sendable {
    struct Member: Sendable {
        let number: Int
        let node: Node
        /// Where it listens.
        let address: Address
        let born: ContinuousClock.Instant
        fileprivate let ending: AsyncStream<Never>.Continuation
    }

    private struct State {
        var members: [Int: Member] = [:]
        var lived = 0
        var isOver = false
        var random: SeededRandom
    }

    /// What every node keeps of the connections that only its components wanted; with 200 nodes in one process there are not
    /// descriptors for more.
    private static let spareConnections = 40

    let ledger: Ledger
    let coverage: Coverage
    private let state: Mutex<State>

    init(_ ledger: Ledger, _ coverage: Coverage, seed: UInt64) {
        self.ledger = ledger
        self.coverage = coverage
        state = Mutex(State(random: SeededRandom(seed)))
    }

    var members: [Member] { state.withLock { Array($0.members.values) } }
    var count: Int { state.withLock { $0.members.count } }
    /// How many nodes there have been.
    var lived: Int { state.withLock { $0.lived } }

    /// Some member for which the condition holds.
    func any(where condition: (Member) -> Bool = { _ in true }) -> Member? {
        state.withLock { state in
            let fitting = state.members.values.filter(condition).sorted { $0.number < $1.number }
            guard !fitting.isEmpty else { return nil }
            return fitting[state.random.int(0...(fitting.count - 1))]
        }
    }

    func random(_ range: ClosedRange<Int>) -> Int { state.withLock { $0.random.int(range) } }
    func randomBytes(_ count: Int) -> [UInt8] { state.withLock { $0.random.bytes(count) } }

    /// Ends a member's life; it is gone when the task that runs it is.
    func end(_ member: Member) { member.ending.finish() }

    /// Ends all lives, those of nodes that are still joining too.
    func endAll() {
        state.withLock { $0.isOver = true }
        for member in members { end(member) }
    }

    /// The configuration of a node of the soak, with an identity of its own.
    static func configuration() async throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try await Identity.generate())
        configuration.limits.connections.spare = spareConnections
        configuration.logger = Logger(label: "soak") { _ in SwiftLogNoOpLogHandler() }
        try configuration.messages.register(Entry.self, opcode: Entry.opcode)
        return configuration
    }

    /// What carries the next node: half of them TCP, a quarter each QUIC and UDP. The first, who is watched, has TCP.
    private static func scheme(_ number: Int) -> Address.Scheme {
        switch number % 4 {
        case 1: .quic
        case 3: .udp
        default: .tcp
        }
    }

    /// Lives the life of one node, from joining to its end.
    func live() async throws {
        let number = state.withLock { state in
            state.lived += 1
            return state.lived - 1
        }
        let configuration = try await Self.configuration()
        var discovery = DiscoveryConfiguration()
        discovery.bootstrap = (0..<3).compactMap { _ in any()?.address }
        let components =
            Node.overlayComponents(configuration.identity, discovery: discovery) + [Recorder(ledger: ledger)]
        let listening = Mutex<Address?>(nil)
        try await Node.run(
            configuration, components: components,
            prepare: { node in
                let address = try await node.listen(
                    on: Address(scheme: Self.scheme(number), host: "127.0.0.1", port: 0))
                await node.publish([address])
                listening.withLock { $0 = address }
            },
            { node in
                guard let address = listening.withLock({ $0 }) else { return }
                // On a slow machine that takes a while; a node that finds nobody is a member all the same.
                try? await node.joined()
                let (ended, ending) = AsyncStream.makeStream(of: Never.self)
                let member = Member(number: number, node: node, address: address, born: .now, ending: ending)
                let isOver = state.withLock { state in
                    state.members[number] = member
                    return state.isOver
                }
                if isOver { ending.finish() }
                defer { _ = state.withLock { $0.members.removeValue(forKey: number) } }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await self.hear(member) }
                    for await _ in ended {}
                    group.cancelAll()
                }
            })
    }

    /// Takes what broadcasts bring.
    private func hear(_ member: Member) async {
        for await event in member.node.events {
            guard case .notice(let notice) = event, let received = notice as? BroadcastReceived,
                let entry = try? Entry(body: received.body)
            else { continue }
            coverage.received(entry.number, by: member.number)
        }
    }
}
