import CarrierTesting
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

@Suite("Row 13: both sides dial at once")
struct SimultaneousDialTests {
    /// How the dials of one round lie.
    private struct Round {
        let number: UInt64
        /// When each side dials.
        let starts: (TimeAmount, TimeAmount)
        /// The longest delay of a piece.
        let delay: TimeAmount

        init(_ number: UInt64) {
            self.number = number
            var random = SeededRandom(number)
            func time(_ most: Int64) -> TimeAmount { .microseconds(Int64.random(in: 0...most, using: &random)) }
            // From dials in the same moment to one that comes when the other's connection nearly stands.
            let spread: Int64 = [0, 100, 2000, 10_000][Int(number % 4)]
            starts = (time(spread), time(spread))
            delay = .microseconds([0, 50, 3000, 20_000][Int(number / 4 % 4)])
        }
    }

    @Test("a thousand rounds leave one connection, the same on both sides, and every message once and in order")
    func thousandRounds() throws {
        let identities = (try TestIdentity.make(), try TestIdentity.make())
        for number in 0..<UInt64(1000) {
            let loop = EmbeddedEventLoop()
            let round = Round(number)
            let transport = DelayingTransport(MemoryTransport(), seed: number, longest: round.delay, loop: loop)
            let one = try TestNode(identities.0, over: transport, loop: loop)
            let two = try TestNode(identities.1, over: transport, loop: loop)
            let ports = try [one, two].map { node in
                let future = node.core.listen(on: Address(scheme: transport.scheme, host: "127.0.0.1", port: 0))
                loop.run()
                return try future.wait()
            }
            var outcomes: [Result<Connection, DialError>] = []
            for (node, start, target) in [
                (one, round.starts.0, ports[1].pinned(to: two.id)), (two, round.starts.1, ports[0].pinned(to: one.id)),
            ] {
                loop.assumeIsolated().scheduleTask(in: start) { node.core.dial([target]) { outcomes.append($0) } }
            }
            // Each side speaks as soon as it can, and on and on while the dials race.
            let total: UInt32 = 25
            speak(one, to: two, upTo: total, every: .microseconds(Int64(number % 7) * 100 + 30), loop)
            speak(two, to: one, upTo: total, every: .microseconds(Int64(number % 5) * 200 + 50), loop)
            loop.advanceTime(by: .seconds(12))

            let note =
                "round \(number): \(outcomes), up \(one.ups.count) \(two.ups.count), down \(one.downs) \(two.downs)"
            try #require(outcomes.count == 2 && outcomes.allSatisfy { (try? $0.get()) != nil }, "\(note)")
            try #require(one.core.connections.count == 1 && two.core.connections.count == 1, "\(note)")
            try #require(one.ups.count == 1 && two.ups.count == 1 && one.downs.isEmpty && two.downs.isEmpty, "\(note)")
            let (ours, theirs) = (try #require(one.connection(to: two)), try #require(two.connection(to: one)))
            try #require(ours.session != nil && theirs.session != nil, "\(note)")
            try #require(ours.currentIsOutbound != theirs.currentIsOutbound, "not the same link; \(note)")
            try #require(
                one.received == Array(0..<total) && two.received == Array(0..<total),
                "\(note)\n\(one.received)\n\(two.received)")
            try #require(one.core.halfOpen.isEmpty && one.core.attempts.isEmpty && one.core.contenders.isEmpty)

            _ = (one.core.stop(), two.core.stop())
            loop.advanceTime(by: .seconds(10))
            try #require(one.core.connections.isEmpty && two.core.connections.isEmpty, "\(note)")
            try loop.syncShutdownGracefully()
        }
    }

    private func speak(
        _ node: TestNode, to other: TestNode, from number: UInt32 = 0, upTo total: UInt32, every pause: TimeAmount,
        _ loop: EmbeddedEventLoop
    ) {
        guard number < total else { return }
        let next = node.send(number, to: other) ? number + 1 : number
        loop.assumeIsolated().scheduleTask(in: pause) {
            speak(node, to: other, from: next, upTo: total, every: pause, loop)
        }
    }

    @Test("the link that the smaller id dialled stays, when both stood at once")
    func smallerIDStays() throws {
        let identities = (try TestIdentity.make(), try TestIdentity.make())
        for number in 0..<UInt64(20) {
            let loop = EmbeddedEventLoop()
            let transport = DelayingTransport(MemoryTransport(), seed: number, longest: .zero, loop: loop)
            let one = try TestNode(identities.0, over: transport, loop: loop)
            let two = try TestNode(identities.1, over: transport, loop: loop)
            let ports = try [one, two].map { node in
                let future = node.core.listen(on: Address(scheme: transport.scheme, host: "127.0.0.1", port: 0))
                loop.run()
                return try future.wait()
            }
            one.core.dial([ports[1].pinned(to: two.id)]) { _ in }
            two.core.dial([ports[0].pinned(to: one.id)]) { _ in }
            loop.advanceTime(by: .seconds(5))
            let isOneSmaller = one.id < two.id
            #expect(one.connection(to: two)?.currentIsOutbound == isOneSmaller)
            #expect(two.connection(to: one)?.currentIsOutbound == !isOneSmaller)
            _ = (one.core.stop(), two.core.stop())
            loop.advanceTime(by: .seconds(10))
            try loop.syncShutdownGracefully()
        }
    }
}
