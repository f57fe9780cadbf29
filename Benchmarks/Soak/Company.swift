internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// All that goes on among the nodes: honest traffic, visitors over bad networks, attackers.
struct Company: Sendable {
    /// A count from several tasks.
    final class Count: Sendable {
        private let number = Atomic(0)
        var value: Int { number.load(ordering: .relaxed) }
        func add() { number.add(1, ordering: .relaxed) }
    }

    /// Visitors at a time.
    private static let visitors = 6

    let population: Population
    let times = RoundTrips()
    let lookups = Lookups()
    let attacks = Count()

    init(population: Population) { self.population = population }

    /// Keeps the nodes busy until the task is cancelled.
    func keepBusy(attackers count: Int) async {
        // Gone with the company, so that it does not count for what the nodes leave behind.
        let tapes = Tapes()
        // Whoever attacks has a thread of its own.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let attackers = Attackers(population: population, tapes: tapes, loop: group.next())
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await Traffic(population: population, times: times, lookups: lookups).run() }
            for _ in 0..<Self.visitors {
                let visitors = Visitors(
                    population: population, tapes: tapes, loop: MultiThreadedEventLoopGroup.singleton.any())
                tasks.addTask { await visitors.run() }
            }
            for _ in 0..<count { tasks.addTask { await attackers.run { attacks.add() } } }
        }
        try? await group.shutdownGracefully()
    }
}
