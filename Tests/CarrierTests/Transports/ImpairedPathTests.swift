import Carrier
import CarrierTesting
import CarrierWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Loss, reordering, doubling, delay and moves, the same ones for the same seed.
@Suite("Over a path that is bad", .serialized, .timeLimit(.minutes(3)))
struct ImpairedPathTests {
    /// Runs `body` with a connection through a bad path, to a node that echoes byte streams.
    private func through(
        _ faults: ImpairedPath.Faults, over transport: TestTransport, seed: UInt64 = 7,
        _ body: @Sendable (Peer, ImpairedPath, _ echo: Node) async throws -> Void
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let paths = Mutex<[ImpairedPath]>([])
        try await TestNetwork(transport).withEcho {
            // At 20 %, about every fifth handshake over UDP needs more than the five seconds of a dial.
            $0.limits.dial.timeout = .seconds(30)
        } _: { node, address, echo in
            let path = try await ImpairedPath.start(to: address, faults, seed: seed, loop: loop)
            paths.withLock { $0.append(path) }
            try await body(try await node.dial([path.address]), path, echo)
        }
        // Good-byes go through it too.
        for path in paths.withLock({ $0 }) { await path.close() }
    }

    /// Pings until `count` were answered, each that is not again; how often one was not.
    private static func ping(_ peer: Peer, count: Int, within limit: Duration) async throws -> Int {
        var unanswered = 0
        for number in 0..<count {
            while true {
                do {
                    _ = try await peer.ping(ByteBuffer(integer: number), within: limit)
                    break
                } catch RequestError.timeout {
                    unanswered += 1
                    try #require(unanswered < 20 * count)
                }
            }
        }
        return unanswered
    }

    @Test("UDP: messages that are sent again get through", arguments: [0.01, 0.05, 0.2])
    func messages(loss: Double) async throws {
        let faults = ImpairedPath.Faults(loss: loss, doubling: 0.05, reordering: 0.05, delay: .milliseconds(1))
        try await through(faults, over: .udp) { peer, path, _ in
            let unanswered = try await Self.ping(peer, count: 200, within: .milliseconds(60))
            let (seen, lost) = await path.counts
            #expect(lost > 0 && Double(lost) < 2 * loss * Double(seen) + 10, "\(lost) of \(seen)")
            // Either direction can lose a ping or its answer.
            #expect(Double(unanswered) < 6 * loss * 200 + 20, "\(unanswered) had to be sent again")
            #expect(await peer.cause == nil)
        }
    }

    @Test("UDP: handshakes get through", arguments: [0.01, 0.05, 0.2])
    func handshakesOverUDP(loss: Double) async throws { try await handshakes(.udp, loss) }

    /// 20 handshakes, one after the other, each with its own path.
    private func handshakes(_ transport: TestTransport, _ loss: Double) async throws {
        for seed in 0..<20 as Range<UInt64> {
            try await through(.init(loss: loss, reordering: 0.02), over: transport, seed: seed) { peer, _, _ in
                #expect(await peer.cause == nil)
            }
        }
    }

    @Test("UDP: 50 ms each way are borne")
    func delayedMessages() async throws {
        try await through(.init(delay: .milliseconds(50)), over: .udp) { peer, _, _ in
            let time = try await peer.ping(ByteBuffer(string: "far"), within: .seconds(5))
            #expect(time >= .milliseconds(100))
            #expect(try await Self.ping(peer, count: 5, within: .seconds(2)) == 0)
        }
    }

    @Test("UDP: the session follows when the dialler's address changes, again and again")
    func roaming() async throws {
        try await through(.init(delay: .milliseconds(1)), over: .udp) { peer, path, echo in
            for _ in 0..<5 {
                try await path.move()
                #expect(try await Self.ping(peer, count: 3, within: .milliseconds(500)) == 0)
                // And the other way: to where it is now.
                let other = try #require(await echo.peers.first)
                _ = try await other.ping(ByteBuffer(string: "there you are"), within: .seconds(2))
            }
            #expect(await echo.statistics.inbound == 1)
        }
    }

    #if QUIC
        @Test("QUIC: handshakes get through", arguments: [0.01, 0.05, 0.2])
        func handshakesOverQUIC(loss: Double) async throws { try await handshakes(.quic, loss) }

        @Test(
            "QUIC: a transfer is delayed and equal to the byte",
            arguments: zip([0.01, 0.05, 0.2], [4 << 20, 1 << 20, 256 << 10]))
        func transfer(loss: Double, size: Int) async throws {
            try await through(.init(loss: loss, doubling: 0.01, reordering: 0.01), over: .quic) { peer, path, _ in
                let isSame = try await peer.echoes(size)
                #expect(isSame)
                #expect(await path.counts.lost > 0)
            }
        }

        @Test("QUIC: 50 ms each way are borne")
        func delayedTransfer() async throws {
            try await through(.init(delay: .milliseconds(50)), over: .quic) { peer, _, _ in
                let time = try await peer.ping(ByteBuffer(string: "far"), within: .seconds(5))
                #expect(time >= .milliseconds(100))
                #expect(try await peer.echoes(2 << 20))
            }
        }

        @Test("QUIC: a transfer goes on when the dialler's address changes under it")
        func move() async throws {
            try await through(.init(delay: .milliseconds(2)), over: .quic) { peer, path, _ in
                async let same = peer.echoes(8 << 20)
                for _ in 0..<3 {
                    try await Task.sleep(for: .milliseconds(60))
                    try await path.move()
                }
                #expect(try await same)
            }
        }

        @Test("QUIC: a side that only receives notices that the path moved")
        func moveOfReceiver() async throws {
            try await through(.init(delay: .milliseconds(1)), over: .quic) { peer, path, echo in
                let other = try await echo.peer(echo.peers[0].id)
                _ = try await peer.ping(ByteBuffer(string: "x"), within: .seconds(5))
                try await path.move()
                // The side that listens speaks: what it sends goes nowhere until the dialler is heard from its new address.
                _ = try await other.ping(ByteBuffer(string: "still there?"), within: .seconds(15))
            }
        }
    #endif
}
