internal import Carrier
internal import NIOCore
internal import Synchronization

/// What honest nodes do all the time.
struct Traffic: Sendable {
    let population: Population
    let times: RoundTrips
    let lookups: Lookups

    /// Every job, until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { await self.forever(every: .milliseconds(100)) { try await self.talk() } } }
            for _ in 0..<2 {
                group.addTask { await self.forever(every: .milliseconds(500)) { try await self.transfer() } }
            }
            group.addTask { await self.forever(every: .seconds(1)) { try await self.look() } }
            group.addTask { await self.ping() }
            while !Task.isCancelled {
                // Their answers and their judgement take longer than the pause between two of them.
                group.addTask { try? await self.tellEveryone() }
                try? await Task.sleep(for: .seconds(1))
            }
            group.cancelAll()
        }
    }

    private func forever(every pause: Duration, _ body: () async throws -> Void) async {
        while !Task.isCancelled {
            // Nodes end in the middle of all this; what was promised is in the ledger.
            try? await body()
            try? await Task.sleep(for: pause)
        }
    }

    /// Two different nodes.
    private func pair(where condition: (Population.Member) -> Bool = { _ in true }) -> (
        Population.Member, Population.Member
    )? {
        guard let one = population.any(),
            let other = population.any(where: { $0.number != one.number && condition($0) })
        else { return nil }
        return (one, other)
    }

    /// Some small messages, and a good-bye.
    private func talk() async throws {
        guard let (one, other) = pair() else { return }
        let peer = try await one.node.dial([other.address])
        defer { Task { await peer.disconnect() } }
        for _ in 0..<population.random(1...20) {
            try await population.ledger.send(population.random(Entry.headerSize...1000), to: peer)
        }
    }

    /// A mebibyte.
    private func transfer() async throws {
        guard let (one, other) = pair(where: { $0.address.scheme != .udp }) else { return }
        let peer = try await one.node.dial([other.address])
        defer { Task { await peer.disconnect() } }
        guard peer.info.address.scheme != .udp else { return }
        for _ in 0..<16 { try await population.ledger.send(65_536, to: peer) }
    }

    private func look() async throws {
        let old = ContinuousClock.now - .seconds(30)
        guard let (one, other) = pair(where: { $0.born < old }) else { return }
        let result = try await one.node.lookup(other.node.id.nodeID)
        // One that ended meanwhile need not be found.
        if population.members.contains(where: { $0.number == other.number }) { lookups.note(result.found != nil) }
    }

    /// One broadcast, judged when repair has had its time.
    private func tellEveryone() async throws {
        let old = ContinuousClock.now - .seconds(30)
        guard let origin = population.any(where: { $0.born < old }) else { return }
        let number = UInt64.random(in: .min ... .max)
        let before = Set(population.members.filter { $0.born < old && $0.number != origin.number }.map(\.number))
        population.coverage.began(number)
        let body = Entry(number, size: 200)
        _ = try? await origin.node.broadcast(body.body(), opcode: Entry.opcode)
        try? await Task.sleep(for: .seconds(15))
        population.coverage.judge(number, nodes: before.intersection(population.members.map(\.number)))
    }

    /// An honest peer of the first node, which gets most of the attacks.
    private func ping() async {
        while !Task.isCancelled {
            try? await Node.run(Population.configuration()) { node in
                guard let target = population.any(where: { $0.number == 0 }) else { return }
                let peer = try await node.dial([target.address])
                while !Task.isCancelled {
                    times.add(try await peer.ping(ByteBuffer(string: "soak"), within: .seconds(10)))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }
    }
}

/// Round trips since they were last asked for.
final class RoundTrips: Sendable {
    private let times = Mutex<[Double]>([])

    func add(_ time: Duration) { times.withLock { $0.append(time / .milliseconds(1)) } }

    /// Median and 99th percentile in milliseconds; nil where there was none.
    func take() -> (p50: Double, p99: Double)? {
        let sorted = times.withLock { times in
            defer { times.removeAll(keepingCapacity: true) }
            return times.sorted()
        }
        guard let last = sorted.last else { return nil }
        return (sorted[sorted.count / 2], sorted.dropFirst(sorted.count * 99 / 100).first ?? last)
    }
}

/// How many lookups found what is there.
final class Lookups: Sendable {
    private let state = Mutex((found: 0, all: 0))

    var figures: (found: Int, all: Int) { state.withLock { $0 } }

    func note(_ isFound: Bool) {
        state.withLock { state in
            state.all += 1
            if isFound { state.found += 1 }
        }
    }
}
