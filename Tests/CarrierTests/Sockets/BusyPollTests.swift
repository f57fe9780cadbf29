import CarrierProtocols
import CarrierTransport
import CarrierWire
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Carrier

@Suite("Busy polling", .serialized, .timeLimit(.minutes(1)), .enabled(if: Processors.areSeveral))
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
            poll.expect(from: .uptimeNanoseconds(0), arrivals: 7)
            poll.heard(at: .uptimeNanoseconds(0) + time, arrivals: 7 + others)
        }
    }

    // MARK: The rules

    @Test("a peer is polled once it answered at once for a while, and alone")
    func prompt() {
        var poll = poll(after: 15)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll, after: Self.window * 2 + .nanoseconds(2))
        answers(15, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll, others: 1)
        answers(15, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll)
        #expect(poll.isWorthwhile)
        // What nobody asked for says nothing.
        poll.heard(at: .uptimeNanoseconds(1), arrivals: 9)
        #expect(poll.isWorthwhile)
        answers(1, to: &poll, others: 1)
        #expect(!poll.isWorthwhile)
    }

    @Test("where polling does not pay it ends, and begins again only after twice as long")
    func disappointments() {
        var poll = poll()
        for required in [32, 64, 128] {
            #expect(poll.isWorthwhile)
            for _ in 0..<4 { poll.polled(for: Self.window) }
            #expect(poll.isWorthwhile)
            poll.polled(for: Self.window)
            answers(required - 1, to: &poll)
            #expect(!poll.isWorthwhile)
            answers(1, to: &poll)
        }
        // What pays wins it back, slowly; one that had not to wait is none.
        for _ in 0..<1000 { poll.polled(for: .zero) }
        for _ in 0..<5 { poll.polled(for: Self.window) }
        answers(255, to: &poll)
        #expect(!poll.isWorthwhile)
        answers(1, to: &poll)
        for _ in 0..<1000 { poll.polled(for: .microseconds(50)) }
        for _ in 0..<5 { poll.polled(for: .microseconds(51)) }
        answers(32, to: &poll)
        #expect(poll.isWorthwhile)
    }

    @Test("a poll in vain now and then changes nothing")
    func mixture() {
        var poll = poll()
        for _ in 0..<1000 {
            for _ in 0..<4 { poll.polled(for: .microseconds(8)) }
            poll.polled(for: Self.window)
        }
        #expect(poll.isWorthwhile)
    }

    // MARK: The loop

    @Test("a loop polls once its peer is known to be prompt, for a window, and no more when that was in vain")
    func attempts() throws {
        let pair = try PolledPair()
        // The answer to the last poll in vain is the first of the next 32.
        for expected in [16, 31] {
            for _ in 0..<expected { #expect(try pair.polls(during: { try pair.ask() }) == 0) }
            for _ in 0..<5 { #expect(try pair.polls(during: { try pair.ask() }) > 1) }
        }
        #expect(pair.answers == 16 + 5 + 31 + 5)
        try pair.end()
    }

    @Test("a loop does not poll a link that is not read, is gone, or that the node's limits forbid to poll")
    func refusals() throws {
        let pair = try PolledPair()
        pair.link.hasArrived = true
        for _ in 0..<16 { try pair.ask() }
        #expect(try pair.polls(during: { try pair.ask() }) == 1)
        let session = try #require(pair.connection().session)
        session.setHeld(true)
        #expect(try pair.polls(during: { try pair.ask() }) == 0)
        session.setHeld(false)
        pair.loop.run()
        for _ in 0..<16 { try pair.ask() }
        pair.link.hasArrived = nil
        #expect(try pair.polls(during: { try pair.ask() }) == 1)
        try pair.end()

        let forbidden = try PolledPair { $0.limits.receive.busyPoll = .zero }
        for _ in 0..<100 { #expect(try forbidden.polls(during: { try forbidden.ask() }) == 0) }
        try forbidden.end()
    }

    @Test("a peer before which others are heard is not polled")
    func company() throws {
        let pair = try PolledPair()
        pair.link.hasArrived = true
        // Both are asked before either answers; the second is heard after the first.
        for _ in 0..<100 {
            #expect(
                try pair.polls(during: {
                    try pair.ask(0, runs: false)
                    try pair.ask(1)
                }) <= 1)
        }
        #expect(try pair.polls(during: { try pair.ask(1) }) == 0)
        try pair.end()
    }

    @Test("tasks and frames that wait go before a poll")
    func manners() throws {
        let pair = try PolledPair()
        pair.link.hasArrived = true
        for _ in 0..<16 { try pair.ask() }
        let session = try #require(pair.connection().session)
        let executor = EventLoopExecutor(pair.loop)
        let flushes = FlushQueue()
        let due = DuePoll(executor: executor, flushes: flushes)
        func polls() -> Int {
            #expect(due.aim(at: session) && !due.aim(at: session))
            return pair.polls(during: { due.run() })
        }
        #expect(polls() == 1)
        Task(executorPreference: executor) {}
        #expect(polls() == 0)
        pair.loop.run()
        #expect(polls() == 1)
        _ = flushes.add(session)
        #expect(polls() == 0)
        flushes.run()
        #expect(polls() == 1)
        try pair.end()
    }

    // MARK: Sockets

    @Test(
        "threads that poll do not sleep between requests", arguments: TestTransport.all.filter { $0 != .memory })
    func sockets(over transport: TestTransport) async throws {
        let polling = try await sleeps(over: transport, .milliseconds(200))
        let sleeping = try await sleeps(over: transport, .zero)
        #expect(polling.asking < 100 && polling.answering < 100)
        // A busy machine takes a thread's processor away before it can sleep: then there is nothing to compare.
        if sleeping.asking > 200 { #expect(polling.asking < sleeping.asking / 2) }
    }

    /// How often both nodes' threads slept during 400 pings. Each has one of its own, for a poll stops it.
    private func sleeps(over transport: TestTransport, _ window: Duration) async throws -> (asking: Int, answering: Int)
    {
        let loops = (MultiThreadedEventLoopGroup(numberOfThreads: 1), MultiThreadedEventLoopGroup(numberOfThreads: 1))
        @Sendable func configuration() throws -> NodeConfiguration {
            try NodePair.configuration(over: transport) { $0.limits.receive.busyPoll = window }
        }
        let anywhere = TestNetwork(transport).anywhere
        let counts = try await Node.run(configuration(), on: loops.0.next()) { server in
            let address = try await server.listen(on: anywhere)
            return try await Node.run(configuration(), on: loops.1.next()) { client in
                let peer = try await client.dial([address])
                @Sendable func ask(_ count: Int) async throws -> Int {
                    try await Task(executorPreference: client.executor) {
                        for _ in 0..<count { _ = try await peer.ping(ByteBuffer(), within: .seconds(5)) }
                        return try Self.switches()
                    }.value
                }
                @Sendable func switchesOfServer() async throws -> Int {
                    try await Task(executorPreference: server.executor) { try Self.switches() }.value
                }
                let before = (try await ask(50), try await switchesOfServer())
                let after = (try await ask(400), try await switchesOfServer())
                return (asking: after.0 - before.0, answering: after.1 - before.1)
            }
        }
        try await loops.0.shutdownGracefully()
        try await loops.1.shutdownGracefully()
        return counts
    }

    /// How often this thread has slept.
    private static func switches() throws -> Int {
        let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) })
    }
}
