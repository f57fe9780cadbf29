import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Carrier

/// A node and some others, on one virtual clock.
private final class Neighbourhood {
    private let loop = EmbeddedEventLoop()
    private let transport = MemoryTransport()
    let node: TestNode
    let others: [TestNode]

    init(_ count: Int, _ change: (inout NodeConfiguration) -> Void) throws {
        let (loop, transport) = (loop, transport)
        node = try TestNode(VirtualPair.identity(), over: transport, loop: loop, change)
        others = try (0..<count).map { _ in try TestNode(VirtualPair.identity(), over: transport, loop: loop) }
        for each in [node] + others {
            let address = each.core.listen(on: Address(scheme: transport.scheme, host: "127.0.0.1", port: 0))
            loop.run()
            each.core.publish([try address.wait()])
        }
    }

    func pass(_ time: Duration) { loop.advanceTime(by: TimeAmount(time)) }

    private func address(of other: TestNode) throws -> Address {
        try #require(other.core.listeners.first).address.pinned(to: other.id)
    }

    /// As a component of the node has a message for another; a second later it is there.
    func reach(_ number: Int) throws {
        let destination = Destination(others[number].id, dialling: [try address(of: others[number])])
        node.core.reach(destination, within: .seconds(2)) { _ in }
        pass(.seconds(1))
    }

    /// Another node dials this one. True when they are connected a second later.
    func comes(_ number: Int) throws -> Bool {
        others[number].core.dial([try address(of: node)]) { _ in }
        pass(.seconds(1))
        return isConnected(number)
    }

    func isConnected(_ number: Int) -> Bool {
        #expect((node.connection(to: others[number]) == nil) == (others[number].connection(to: node) == nil))
        return node.connection(to: others[number]) != nil
    }

    var connected: [Int] { others.indices.filter(isConnected) }

    func end() throws {
        for each in [node] + others { _ = each.core.stop() }
        pass(.seconds(10))
        try loop.syncShutdownGracefully()
    }
}

@Suite("Connections that no application has a use for")
struct SpareConnectionTests {
    @Test("of those that components made only so many stay: who is longest without use goes, and counts as alive")
    func spare() throws {
        let place = try Neighbourhood(5) { $0.limits.connections.spare = 3 }
        for number in 0..<3 { try place.reach(number) }
        // The first is of use again.
        let first = try #require(place.node.connection(to: place.others[0]))
        place.node.core.receive(Frame(.ping), from: first)
        for number in 3..<5 { try place.reach(number) }
        #expect(place.connected == [0, 3, 4])
        #expect(place.node.reached(.spare) == 2)
        let causes = place.others[1].downs + place.others[2].downs
        #expect(causes.count == 2)
        for cause in causes {
            guard case .remote(.tooManyConnections, _) = cause else {
                Issue.record("expected a good-bye for want of room, got \(cause)")
                continue
            }
        }
        try place.end()
    }

    @Test("what an application dialled, sent over or received from is none of them")
    func used() throws {
        let place = try Neighbourhood(4) {
            $0.limits.connections.spare = 1
            $0.limits.connections.outbound = 2
        }
        try place.reach(0)
        try #require(place.node.connection(to: place.others[0])).used.send(.numbered(1))
        #expect(try place.comes(1))
        try #require(place.others[1].connection(to: place.node)).send(.numbered(2))
        try place.reach(2)
        // Who was dialled for a component keeps the place only if this side has something to say.
        try #require(place.others[2].connection(to: place.node)).send(.numbered(3))
        place.pass(.seconds(1))
        #expect(place.connected == [0, 1, 2] && place.node.reached(.spare) == 0)
        try place.reach(3)
        #expect(place.connected == [0, 1, 3] && place.node.reached(.outbound) == 0)
        place.node.core.keep(try #require(place.node.connection(to: place.others[3])), asSpare: false)
        try place.reach(2)
        #expect(place.connected == [0, 1, 3] && place.node.reached(.outbound) == 1)
        try place.end()
    }

    /// Has a message for somebody else as soon as it is connected.
    private struct Talker: Component {
        let opcodes: [Opcode] = []
        let listener: Destination
        mutating func connected(_ peer: PeerInfo, _ context: inout Context) {
            if peer.peer != listener.peer { context.send(Frame(.ping), to: listener) }
        }
    }

    @Test("what an application dials is not given up before it has it")
    func dialling() throws {
        let pair = try VirtualPair()
        let other = try TestNode(VirtualPair.identity(), over: pair.transport, loop: pair.loop)
        let listening = other.core.listen(on: Address(scheme: pair.transport.scheme, host: "127.0.0.1", port: 0))
        pair.loop.run()
        let talker = Talker(listener: Destination(other.id, dialling: [try listening.wait().pinned(to: other.id)]))
        let node = try TestNode(VirtualPair.identity(), over: pair.transport, loop: pair.loop, components: [talker]) {
            $0.limits.connections.outbound = 1
        }
        node.core.dial([try #require(pair.server.core.listeners.first).address]) { _ in }
        pair.pass(.seconds(1))
        #expect(node.connection(to: pair.server) != nil && node.connection(to: other) == nil)
        for each in [node, other] { _ = each.core.stop() }
        try pair.end()
    }

    @Test("a newcomer finds a place among nodes that have long been silent; the older half keeps theirs")
    func newcomers() throws {
        let place = try Neighbourhood(7) { $0.limits.connections.inbound = 4 }
        for number in 0..<4 { #expect(try place.comes(number)) }
        // Too soon: everybody was of use a moment ago.
        #expect(try !place.comes(4))
        #expect(place.node.reached(.inbound) == 1)
        place.pass(.seconds(20))
        #expect(try place.comes(4))
        #expect(place.connected == [0, 1, 3, 4] && place.node.reached(.rest) == 1)
        // An application talks with one of the others: only the newest is left to go.
        try #require(place.others[3].connection(to: place.node)).send(.numbered(1))
        place.pass(.seconds(20))
        #expect(try place.comes(5))
        #expect(place.connected == [0, 1, 3, 5])
        try #require(place.node.connection(to: place.others[5])).used.send(.numbered(2))
        place.pass(.seconds(20))
        #expect(try !place.comes(6))
        #expect(place.connected == [0, 1, 3, 5])
        try place.end()
    }

    @Test("a client's connection is not given to a newcomer, and no client is given a node's")
    func clients() throws {
        let place = try Neighbourhood(4) { $0.limits.connections.inbound = 2 }
        place.others[1].core.publish([])
        place.others[3].core.publish([])
        for number in 0..<2 { #expect(try place.comes(number)) }
        place.pass(.seconds(20))
        #expect(try !place.comes(2) && place.connected == [0, 1])
        place.others[1].core.connections[place.node.id]?.close(.shutdown)
        place.pass(.seconds(1))
        #expect(try place.comes(2))
        place.pass(.seconds(20))
        #expect(try !place.comes(3) && place.connected == [0, 2])
        try place.end()
    }

    @Test("who may not come in drives nobody out")
    func notAdmitted() throws {
        let banned = Mutex<PeerID?>(nil)
        let place = try Neighbourhood(3) {
            $0.limits.connections.inbound = 2
            $0.admit = { info in info.peer == banned.withLock { $0 } ? .refused("no") : .welcome }
        }
        banned.withLock { $0 = place.others[2].id }
        for number in 0..<2 { #expect(try place.comes(number)) }
        place.pass(.seconds(20))
        #expect(try !place.comes(2) && place.connected == [0, 1])
        #expect(place.node.reached(.rest) == 0)
        try place.end()
    }
}
