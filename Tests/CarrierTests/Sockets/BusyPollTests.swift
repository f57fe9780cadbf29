import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Carrier

@Suite("Looking out for prompt peers", .serialized, .timeLimit(.minutes(1)))
struct BusyPollTests {
    private static let window = TimeAmount.microseconds(100)

    /// One that was shown `count` prompt answers.
    private func poll(after count: Int = 16) -> BusyPoll {
        var poll = BusyPoll(window: Self.window)
        answers(count, to: &poll)
        return poll
    }

    private func answers(_ count: Int, to poll: inout BusyPoll, after time: TimeAmount = window * 2, others: UInt64 = 0)
    {
        for _ in 0..<count {
            poll.asked(at: .uptimeNanoseconds(0), reads: 7)
            poll.heard(at: .uptimeNanoseconds(0) + time, reads: 7 + others)
        }
    }

    @Test("a peer is looked out for once it answered at once for a while, and alone")
    func prompt() {
        var poll = poll(after: 15)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll, after: Self.window * 2 + .nanoseconds(1))
        answers(15, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll, others: 1)
        answers(15, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll)
        #expect(poll.isWorthwhile)
        // What nobody asked for says nothing.
        poll.heard(at: .uptimeNanoseconds(1), reads: 9)
        #expect(poll.isWorthwhile)
        answers(1, to: &poll, others: 1)
        #expect(!poll.isWorthwhile)
    }

    @Test("where looking does not pay it ends, and begins again only after twice as long")
    func disappointments() {
        var poll = poll()
        for required in [32, 64, 128] {
            #expect(poll.isWorthwhile)
            for _ in 0..<4 { poll.looked(for: Self.window) }
            #expect(poll.isWorthwhile)
            poll.looked(for: Self.window)
            answers(required - 1, to: &poll)
            #expect(!poll.isWorthwhile)
            answers(1, to: &poll)
        }
        // Good looks win it back, slowly; one that had not to wait is none.
        for _ in 0..<1000 { poll.looked(for: .zero) }
        for _ in 0..<5 { poll.looked(for: Self.window) }
        answers(255, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll)
        for _ in 0..<1000 { poll.looked(for: .microseconds(50)) }
        for _ in 0..<5 { poll.looked(for: .microseconds(51)) }
        answers(32, to: &poll)
        #expect(poll.isWorthwhile)
    }

    @Test("a slow look now and then changes nothing")
    func mixture() {
        var poll = poll()
        for _ in 0..<1000 {
            for _ in 0..<4 { poll.looked(for: .microseconds(8)) }
            poll.looked(for: Self.window)
        }
        #expect(poll.isWorthwhile)
    }

    @Test(
        "a loop that looks out does not sleep between requests", arguments: TestTransport.all.filter { $0 != .memory })
    func sockets(over transport: TestTransport) async throws {
        let looking = try await sleeps(over: transport, .seconds(1))
        let sleeping = try await sleeps(over: transport, .zero)
        #expect(looking < sleeping / 2)
    }

    /// How often the asking node's thread slept during 400 pings. Both nodes have a thread of their own, for a look stops it.
    private func sleeps(over transport: TestTransport, _ window: Duration) async throws -> Int {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (one, other) = (group.next(), group.next())
        @Sendable func configuration() throws -> NodeConfiguration {
            try NodePair.configuration(over: transport) { $0.limits.receive.busyPoll = window }
        }
        let anywhere = TestNetwork(transport).anywhere
        let count = try await Node.run(configuration(), on: one) { server in
            let address = try await server.listen(on: anywhere)
            return try await Node.run(configuration(), on: other) { client in
                let peer = try await client.dial([address])
                return try await Task(executorPreference: client.executor) {
                    for _ in 0..<50 { _ = try await peer.ping(ByteBuffer(), within: .seconds(5)) }
                    let before = try Self.switches()
                    for _ in 0..<400 { _ = try await peer.ping(ByteBuffer(), within: .seconds(5)) }
                    return try Self.switches() - before
                }.value
            }
        }
        try await group.shutdownGracefully()
        return count
    }

    /// How often this thread has slept.
    private static func switches() throws -> Int {
        let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) })
    }
}
