import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

/// Limits whose count no test of their own shows; each of the others is counted where it is reached.
@Suite("A limit that is reached is counted")
struct LimitCountTests {
    /// A link to the server that has shaken no hands.
    private func strange(_ pair: VirtualPair) throws -> any Link {
        let link = NIOLoopBoundBox<(any Link)?>(nil, eventLoop: pair.loop)
        let address = try #require(pair.server.core.listeners.first).address
        _ = pair.transport.dial(address, loop: pair.loop, timeout: .seconds(5)) { link.value = try? $0.get() }
        pair.loop.run()
        return try #require(link.value)
    }

    private func third(_ pair: VirtualPair) throws -> TestNode {
        let node = try TestNode(VirtualPair.identity(), over: pair.transport, loop: pair.loop)
        node.core.dial([try #require(pair.server.core.listeners.first).address]) { _ in }
        pair.loop.run()
        return node
    }

    @Test("a handshake too many, and a message of a handshake that is too long")
    func handshakes() throws {
        let pair = try VirtualPair { $0.limits.handshake.halfOpen = 1 }
        let links = [try strange(pair), try strange(pair)]
        #expect(pair.server.reached(.halfOpen) == 1 && pair.server.core.halfOpen.count == 1)
        var long = Preface(network: 1).encoded
        long.writeInteger(UInt16(StreamHandshake.messageLimit + 1), endianness: .little)
        links[1].write(long)
        links[1].flush()
        pair.loop.run()
        #expect(pair.server.reached(.handshakeMessage) == 1)
        try pair.end()
    }

    @Test("an inbound and an outbound connection too many")
    func connections() throws {
        let pair = try VirtualPair {
            $0.limits.connections.inbound = 1
            $0.limits.connections.outbound = 1
        }
        let other = try third(pair)
        #expect(pair.server.reached(.inbound) == 1 && other.core.connections.isEmpty)
        var refused = false
        pair.client.core.dial([Address(scheme: pair.transport.scheme, host: "127.0.0.1", port: 99)]) {
            if case .failure(.tooManyConnections(limit: 1)) = $0 { refused = true }
        }
        #expect(refused && pair.client.reached(.outbound) == 1)
        _ = other.core.stop()
        try pair.end()
    }

    /// Has a question for a stranger as soon as somebody is there.
    private struct Asker: Component {
        let opcodes: [Opcode] = []
        let stranger: Destination
        let journal: Journal
        mutating func connected(_ peer: PeerInfo, _ context: inout Context) {
            context.send(Frame(TestNode.opcode), to: stranger, .reply(Ticket(1), within: .seconds(1)))
        }
        mutating func answered(_ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context) {
            switch answer {
            case .failed(.notDialled): journal.note("not dialled")
            case .failed(.unreachable): journal.note("unreachable")
            case .failed, .acknowledged, .reply: journal.note("\(answer)")
            }
        }
    }

    @Test("a component is told apart whom nobody dialled, for want of room, and who was not there", arguments: [1, 3])
    func notDialled(room: Int) throws {
        let pair = try VirtualPair()
        let journal = Journal()
        let nowhere = Address(scheme: pair.transport.scheme, host: "127.0.0.1", port: 99)
        let asker = Asker(
            stranger: Destination(try VirtualPair.identity().peerID, dialling: [nowhere]), journal: journal)
        let node = try TestNode(VirtualPair.identity(), over: pair.transport, loop: pair.loop, components: [asker]) {
            $0.limits.connections.outbound = room
        }
        node.core.dial([try #require(pair.server.core.listeners.first).address]) { _ in }
        pair.pass(.seconds(1))
        #expect(journal.all == [room == 1 ? "not dialled" : "unreachable"])
        #expect(node.reached(.outbound) == (room == 1 ? 1 : 0))
        _ = node.core.stop()
        try pair.end()
    }

    @Test("a message that is too long, and frames for nothing")
    func receiving() throws {
        let pair = try VirtualPair {
            $0.limits.receive.message = 1000
            $0.limits.receive.forNothing = TokenBucket.Rate(perSecond: 1, burst: 10)
        }
        for _ in 0..<20 { try pair.ours.send(Frame(.bytes)) }
        pair.loop.run()
        #expect(try pair.server.reached(.forNothing) == 1 && !pair.theirs.isOver)
        pair.pass(.seconds(30))
        try pair.ours.send(.numbered(1, size: 1001))
        pair.pass(.seconds(1))
        #expect(pair.server.reached(.message) == 1 && pair.server.downs.count == 1)
        try pair.end()
    }

    /// Says of each message that it is nested too deeply.
    private struct Deep: Component {
        let opcodes = [TestNode.opcode]
        mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
            throw WireError("body", at: 0, .tooDeep(limit: 32))
        }
    }

    @Test("a message that is nested too deeply")
    func depth() throws {
        let pair = try VirtualPair(serverComponents: Node.standardComponents + [Deep()])
        try pair.ours.send(.numbered(1))
        pair.pass(.seconds(1))
        #expect(pair.server.reached(.depth) == 1 && pair.server.downs.count == 1)
        try pair.end()
    }
}
