import CarrierProtocols
import CarrierWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Carrier

@Suite("Components on a virtual clock")
struct ComponentTests {
    /// The loop of a pair, for components that are made before it.
    final class LoopBox: Sendable {
        private let box = Mutex<(any EventLoop)?>(nil)
        var loop: (any EventLoop)? {
            get { box.withLock { $0 } }
            set { box.withLock { $0 = newValue } }
        }
    }

    /// Notes what it hears; claims, throws or hangs at some numbers.
    struct Waiting: AsyncComponent {
        let name: String
        let journal: Journal
        let loop: LoopBox
        var claims: UInt32 = .max
        var throwsAt: UInt32 = .max
        var hangsAt: UInt32 = .max
        let opcodes = [TestNode.opcode]

        func connected(_ peer: Peer) async throws { journal.note("\(name) up") }
        func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
            journal.note("\(name) \(message.number)")
            if message.number == throwsAt { throw ReceiveError.cancelled }
            if message.number == hangsAt {
                try await loop.loop?.scheduleTask(in: .seconds(60)) {}.futureResult.get()
                journal.note("\(name) woke up")
            }
            return message.number == claims
        }
        func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws { journal.note("\(name) down") }
    }

    @Test("async components hear of each event in the order of registration; a claim ends a message's way")
    func order() throws {
        let (pair, journal) = try make { journal, box in
            [
                Waiting(name: "a", journal: journal, loop: box, claims: 1),
                Waiting(name: "b", journal: journal, loop: box),
            ]
        }
        for number in 0..<3 { try pair.ours.send(.numbered(UInt32(number))) }
        pair.pass(.seconds(1))
        try pair.ours.close(.shutdown)
        pair.pass(.seconds(1))
        #expect(journal.all == ["a up", "b up", "a 0", "b 0", "a 1", "a 2", "b 2", "a down", "b down"])
        // What nobody claimed is the application's.
        #expect(pair.server.received == [0, 2])
        #expect(pair.server.core.lanes.isEmpty)
        try pair.end()
    }

    @Test("row 24: one that throws or hangs costs its message and its own time only")
    func isolation() throws {
        let (pair, journal) = try make { journal, box in
            [
                Waiting(name: "a", journal: journal, loop: box, throwsAt: 0, hangsAt: 1),
                Waiting(name: "b", journal: journal, loop: box),
            ]
        }
        for number in 0..<3 { try pair.ours.send(.numbered(UInt32(number))) }
        pair.pass(.milliseconds(199))
        #expect(journal.all == ["a up", "b up", "a 0", "b 0", "a 1"])
        pair.pass(.milliseconds(2))
        #expect(journal.all == ["a up", "b up", "a 0", "b 0", "a 1", "b 1", "a 2", "b 2"])
        #expect(pair.server.core.statistics.componentFailures == 2 && pair.server.reached(.processing) == 2)
        #expect(try !pair.theirs.isOver)
        pair.pass(.seconds(61))
        #expect(pair.server.received == [0, 1, 2])
        try pair.end()
    }

    @Test("row 24: a slow component holds back its own peer, and no other")
    func backPressure() throws {
        let (pair, journal) = try make(waiting: 64 << 10) { journal, box in
            [Waiting(name: "a", journal: journal, loop: box, hangsAt: 0)]
        }
        let other = try TestNode(VirtualPair.identity(), over: pair.transport, loop: pair.loop)
        let address = try #require(pair.server.core.listeners.first).address
        other.core.dial([address]) { _ in }
        pair.loop.run()
        let slow = try pair.ours
        for number in 0..<100 { slow.send(.numbered(UInt32(number), size: 16 << 10)) }
        pair.loop.run()
        let theirs = try pair.theirs
        #expect(theirs.holds.contains(.inbox) && pair.server.reached(.waiting) == 1)
        #expect(theirs.inbox.bytes < 512 << 10, "\(theirs.inbox.bytes)")
        #expect(other.send(1000, to: pair.server))
        pair.loop.run()
        #expect(journal.all.contains("a 1000") && !journal.all.contains("a 1"))
        pair.pass(.seconds(1))
        #expect(
            journal.all.filter { $0.hasPrefix("a ") && $0 != "a up" && $0 != "a 1000" } == (0..<100).map { "a \($0)" })
        _ = other.core.stop()
        try pair.end()
    }

    private func make(
        waiting: Int = 1 << 20, _ components: (Journal, LoopBox) -> [any AsyncComponent]
    ) throws -> (VirtualPair, Journal) {
        let journal = Journal()
        let box = LoopBox()
        let pair = try VirtualPair(
            {
                $0.limits.receive.processing = .milliseconds(200)
                $0.limits.receive.waiting = waiting
            }, serverApplication: components(journal, box))
        box.loop = pair.loop
        return (pair, journal)
    }

    /// A synchronous component that does the same.
    struct Immediate: Component {
        let name: String
        let journal: Journal
        var claims: UInt32 = .max
        var throwsAt: UInt32 = .max
        var malformedAt: UInt32 = .max
        let opcodes = [TestNode.opcode]

        mutating func started(_ context: inout Context) { journal.note("\(name) started") }
        mutating func connected(_ peer: PeerInfo, _ context: inout Context) { journal.note("\(name) up") }
        mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
            journal.note("\(name) \(message.frame.number)")
            if message.frame.number == throwsAt { throw ReceiveError.cancelled }
            if message.frame.number == malformedAt { throw WireError("number", at: 0, .notUTF8) }
            return message.frame.number == claims
        }
        mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
            journal.note("\(name) down")
        }
        mutating func stopped(_ context: inout Context) { journal.note("\(name) stopped") }
    }

    @Test("synchronous components: the same, from start to clean-up")
    func synchronous() throws {
        let journal = Journal()
        let pair = try VirtualPair(serverComponents: [
            Immediate(name: "a", journal: journal, claims: 1, throwsAt: 0, malformedAt: 3),
            Immediate(name: "b", journal: journal),
        ])
        for number in 0..<3 { try pair.ours.send(.numbered(UInt32(number))) }
        pair.loop.run()
        #expect(pair.server.received == [0, 2] && pair.server.core.host.failures == 1)
        // A malformed body is the peer's fault.
        try pair.ours.send(.numbered(3))
        pair.pass(.seconds(3))
        #expect(pair.client.downs.count == 1 && pair.server.downs.count == 1)
        guard case .remote(.protocolError, _) = pair.client.downs.first else {
            Issue.record("expected protocolError, got \(pair.client.downs)")
            return
        }
        try pair.end()
        #expect(
            journal.all == [
                "a started", "b started", "a up", "b up", "a 0", "b 0", "a 1", "a 2", "b 2", "a 3", "a down", "b down",
                "a stopped", "b stopped",
            ])
    }
}
