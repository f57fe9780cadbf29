internal import Carrier
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Peers that know no manners, on plain sockets.
struct Attackers: Sendable {
    enum Attack: CaseIterable {
        /// Random bytes.
        case garbage
        /// A connection that says nothing until the node has enough of it.
        case silence
        /// A genuine beginning, a byte at a time.
        case dribble
        /// A genuine beginning, and away.
        case half
        /// All that a genuine dialler once sent to this node.
        case replay
        /// Random datagrams, some of which begin like genuine ones.
        case datagrams
    }

    let population: Population
    let tapes: Tapes
    let loop: any EventLoop

    /// Attacks one node after the other until the task is cancelled.
    func run(_ made: @Sendable () -> Void) async {
        while !Task.isCancelled {
            let attack = Attack.allCases[population.random(0...(Attack.allCases.count - 1))]
            // The first node, whose latency is watched, gets as much as all others together.
            let prefersFirst = population.random(0...1) == 0
            let isDatagrams = attack == .datagrams
            guard
                let target = population.any(where: {
                    isDatagrams ? $0.address.scheme != .tcp : prefersFirst ? $0.number == 0 : $0.address.scheme == .tcp
                })
            else { return }
            try? await carryOut(attack, on: target.address)
            made()
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private func carryOut(_ attack: Attack, on target: Address) async throws {
        let tape = tapes.tape(of: target) ?? []
        switch attack {
        case .garbage:
            try await say([population.randomBytes(population.random(1...4096))], to: target, .milliseconds(200))
        case .silence: try await say([], to: target, .seconds(12))
        case .dribble: try await say(tape.prefix(60).map { [$0] }, to: target, .seconds(1))
        case .half: try await say([Array(tape.prefix(population.random(1...200)))], to: target, .milliseconds(100))
        case .replay: try await say([tape], to: target, .milliseconds(500))
        case .datagrams: try await throwDatagrams(at: target)
        }
    }

    /// Connects, says so much, half a second after each piece but the last, and stays for a while unless it is thrown out.
    private func say(_ pieces: [[UInt8]], to target: Address, _ stay: Duration) async throws {
        let channel = try await ClientBootstrap(group: loop).connect(host: target.host, port: Int(target.port)).get()
        for (index, piece) in pieces.enumerated() where channel.isActive {
            if index > 0 { try? await Task.sleep(for: .milliseconds(500)) }
            try? await channel.writeAndFlush(ByteBuffer(bytes: piece)).get()
        }
        let end = ContinuousClock.now + stay
        while channel.isActive, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
        }
        try? await channel.close().get()
    }

    private func throwDatagrams(at target: Address) async throws {
        let channel = try await DatagramBootstrap(group: loop).bind(host: "127.0.0.1", port: 0).get()
        let remote = try SocketAddress(ipAddress: target.host, port: Int(target.port))
        for _ in 0..<20 {
            var bytes = population.randomBytes(population.random(1...1400))
            // Kinds of udp://, and the long headers of QUIC version 1.
            switch population.random(0...2) {
            case 0: bytes[0] = UInt8(population.random(0...15))
            case 1: bytes.replaceSubrange(0..<min(5, bytes.count), with: [0xc3, 0, 0, 0, 1].prefix(bytes.count))
            default: break
            }
            try? await channel.writeAndFlush(AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: bytes)))
                .get()
        }
        try await channel.close()
    }
}

/// What genuine diallers have sent, one for each target.
final class Tapes: Sendable {
    private static let limit = 256
    private let tapes = Mutex<[Address: [UInt8]]>([:])

    func keep(_ tape: [UInt8], of target: Address) {
        tapes.withLock { tapes in
            if tapes.count >= Self.limit, let any = tapes.keys.first { tapes[any] = nil }
            tapes[target] = tape
        }
    }

    /// What was sent to this target; to another one where there is none.
    func tape(of target: Address) -> [UInt8]? { tapes.withLock { $0[target] ?? $0.values.first } }
}
