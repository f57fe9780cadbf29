internal import Carrier
internal import CarrierTesting
internal import NIOCore

/// Nodes that come over a bad network, send, and are gone: over UDP and QUIC datagrams are lost, doubled, late and out of
/// order, and the dialler's port changes; over TCP the wire is cut in the middle.
struct Visitors: Sendable {
    let population: Population
    let tapes: Tapes
    let loop: any EventLoop

    /// Visits one node after the other until the task is cancelled.
    func run() async {
        var seed: UInt64 = 0
        while !Task.isCancelled {
            seed &+= 1
            // Those who visit do so to be acknowledged; the ledger counts what becomes of it.
            if let target = population.any(where: { $0.number == 0 || $0.number % 4 != 2 }) {
                try? await visit(target.address, seed)
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private func visit(_ target: Address, _ seed: UInt64) async throws {
        let configuration = try await Population.configuration()
        if target.scheme == .tcp {
            let tap = try await Tap.start(to: target, loop: loop)
            // Cut from outside, at any moment.
            async let cutting: Void = {
                try? await Task.sleep(for: .milliseconds(population.random(100...3000)))
                tapes.keep(await tap.tape, of: target)
                await tap.cut()
            }()
            try? await send(configuration, to: tap.address, pause: .milliseconds(10)) {}
            await cutting
        } else {
            let faults = ImpairedPath.Faults(loss: 0.05, doubling: 0.05, reordering: 0.05, delay: .milliseconds(5))
            let path = try await ImpairedPath.start(to: target, faults, seed: seed, loop: loop)
            try? await send(configuration, to: path.address, pause: .milliseconds(50)) { try? await path.move() }
            await path.close()
        }
    }

    /// Sends until it fails, at most two hundred messages; calls `midway` after half of them.
    private func send(
        _ configuration: NodeConfiguration, to address: Address, pause: Duration, midway: @Sendable () async -> Void
    ) async throws {
        try await Node.run(configuration) { node in
            let peer = try await node.dial([address])
            for count in 0..<200 {
                if count == 100 { await midway() }
                try await population.ledger.send(population.random(Entry.headerSize...1000), to: peer)
                try await Task.sleep(for: pause)
            }
        }
    }
}
