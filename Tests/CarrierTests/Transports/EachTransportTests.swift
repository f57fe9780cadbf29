import Carrier
import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import Carrier

@Suite("Over each transport", .serialized, .timeLimit(.minutes(2)))
struct EachTransportTests {
    // MARK: Connect

    @Test("both sides know each other and how each is seen, and pings come back", arguments: TestTransport.all)
    func handshake(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withNodes { server, client, address in
            let peer = try await client.dial([address])
            #expect(peer.id == server.id)
            let other = try await server.peer(client.id)
            #expect(peer.info.isOutbound && !other.info.isOutbound)
            #expect(peer.info.observedAddress.hasPrefix("\(address.scheme)://127.0.0.1:"))
            #expect(peer.info.address == address)
            for size in [0, 1, 32, 1000] {
                _ = try await peer.ping(ByteBuffer(repeating: 7, count: size), within: .seconds(5))
                _ = try await other.ping(ByteBuffer(repeating: 7, count: size), within: .seconds(5))
            }
            #expect(await server.statistics.inbound == 1)
            #expect(await client.statistics.outbound == 1)
        }
    }

    @Test("another peer than the one that was dialled is refused by its name", arguments: TestTransport.all)
    func wrongPeer(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withNodes { server, client, address in
            let other = try TestIdentity.make().peerID
            await #expect {
                try await client.dial([address.pinned(to: other)])
            } throws: { error in
                guard case .handshake(_, let reason)? = error as? DialError else { return false }
                return reason == .wrongPeer(expected: other, got: server.id)
            }
            #expect(await server.peers.isEmpty)
        }
    }

    @Test("another network is named on the dialling side", arguments: TestTransport.all)
    func wrongNetwork(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        try await network.withNodes { _, _, address in
            try await Node.run(network.configuration { $0.network = 9 }) { stranger -> Void in
                await #expect {
                    try await stranger.dial([address])
                } throws: { error in
                    guard case .handshake(_, let reason)? = error as? DialError else { return false }
                    return reason == .networkMismatch(ours: 9, theirs: 1)
                }
            }
        }
    }

    @Test("a node that dials itself is told so", arguments: TestTransport.all)
    func itself(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withNodes { server, _, address in
            await #expect {
                try await server.dial([address.pinned(to: nil)])
            } throws: { error in
                guard case .handshake(_, .dialledSelf)? = error as? DialError else { return false }
                return true
            }
        }
    }

    @Test("a port where nobody listens refuses at once", arguments: TestTransport.all)
    func nobody(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        try await Node.run(network.configuration()) { node -> Void in
            var target = network.anywhere
            target.port = 9
            let start = ContinuousClock.now
            await #expect {
                try await node.dial([target])
            } throws: { error in
                guard case .unreachable(_, .refused)? = error as? DialError else { return false }
                return true
            }
            #expect(ContinuousClock.now - start < .seconds(3))
        }
    }

    @Test("a peer that the application does not want is told why", arguments: TestTransport.all)
    func unwanted(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withNodes {
            $0.admit = { $0.isOutbound ? .welcome : .refused("members only") }
        } _: { _, client, address in
            let peer = try await client.dial([address])
            #expect(try await peer.ending() == .remote(.applicationClosed, "members only"))
        }
    }

    // MARK: Messages

    @Test("messages of both sides come whole, once and in order", arguments: TestTransport.all)
    func messages(over transport: TestTransport) async throws {
        let sizes = transport == .udp ? [0, 1, 500, 1100] : [0, 1, 1100, 70_000]
        try await TestNetwork(transport).withNodes {
            $0.acceptsUnregistered = true
        } _: { server, client, address in
            let (peer, other) = (try await client.dial([address]), try await server.peer(client.id))
            let total = 400
            @Sendable func send(to peer: Peer) async throws {
                for number in 0..<total {
                    let frame = Frame.numbered(UInt32(number), size: 4 + sizes[number % sizes.count])
                    // Over UDP nobody is held back: each is waited for.
                    try await peer.send(frame, acknowledged: transport == .udp)
                }
            }
            // Before the first message: what comes earlier waits in the inbox of its peer.
            let events = (await server.events.includingMessages(), await client.events.includingMessages())
            @Sendable func take(from events: NodeEvents) async throws {
                var next = 0
                for await event in events {
                    guard case .message(_, let frame) = event else { continue }
                    try #require(frame.number == next)
                    try #require(frame.body.readableBytes == 4 + sizes[next % sizes.count])
                    next += 1
                    if next == total { return }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await take(from: events.0) }
                group.addTask { try await take(from: events.1) }
                group.addTask { try await send(to: peer) }
                group.addTask { try await send(to: other) }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Byte streams

    @Test("a byte stream comes back equal to the byte, and both sides end it", arguments: TestTransport.streams)
    func echo(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withEcho { node, address, _ in
            let peer = try await node.dial([address])
            #expect(try await peer.echoes(32 << 20))
        }
    }

    @Test("an empty stream ends in both directions", arguments: TestTransport.streams)
    func empty(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withEcho { node, address, _ in
            let peer = try await node.dial([address])
            #expect(try await peer.echoes(0))
        }
    }

    // MARK: Disconnect

    @Test("a good-bye arrives with its reason, from either side", arguments: TestTransport.all, [true, false])
    func goodbye(over transport: TestTransport, fromDialler: Bool) async throws {
        try await TestNetwork(transport).withNodes { server, client, address in
            let (peer, other) = (try await client.dial([address]), try await server.peer(client.id))
            let (leaving, staying) = fromDialler ? (peer, other) : (other, peer)
            await leaving.disconnect(.applicationClosed, "enough")
            #expect(try await staying.ending() == .remote(.applicationClosed, "enough"))
            #expect(try await leaving.ending() == .local(.applicationClosed, "enough"))
            #expect(await server.statistics.broken == 0)
        }
    }

    @Test("row 16: a link that breaks is told apart from a good-bye", arguments: TestTransport.streams)
    func broken(over transport: TestTransport) async throws {
        try await TestNetwork(transport).withNodes { server, client, address in
            let (peer, other) = (try await client.dial([address]), try await server.peer(client.id))
            await client.with { core in core.connections.values.first?.session?.link.close() }
            guard case .broken = try await other.ending() else {
                Issue.record("expected a broken connection, got \(String(describing: await other.cause))")
                return
            }
            guard case .broken = try await peer.ending() else {
                Issue.record("expected a broken connection, got \(String(describing: await peer.cause))")
                return
            }
        }
    }

    @Test("keepalives are answered, and a peer that falls silent is dropped in its time", arguments: TestTransport.all)
    func silence(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        try await network.withNodes {
            $0.limits.idle.keepalive = .milliseconds(300)
            $0.limits.idle.drop = .milliseconds(900)
        } _: { server, _, address in
            try await Node.run(network.configuration()) { client in
                let (peer, other) = (try await client.dial([address]), try await server.peer(client.id))
                try await Task.sleep(for: .milliseconds(1500))
                #expect(await other.cause == nil)
                let start = ContinuousClock.now
                // It hears nothing any more, and so answers nothing.
                peer.connection.eventLoop.execute { peer.connection.value.setHold(.stream, true) }
                guard case .local(.idleTimeout, _) = try await other.ending() else {
                    Issue.record("expected the idle timeout, got \(String(describing: await other.cause))")
                    return
                }
                #expect(ContinuousClock.now - start > .milliseconds(400))
            }
        }
    }

    // MARK: One connection per pair

    @Test("row 14: a second connection of a peer is closed while the first lives", arguments: TestTransport.all)
    func duplicate(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        let identity = try TestIdentity.make()
        try await network.withNodes { server, _, address in
            try await Node.run(network.configuration(identity)) { first in
                let peer = try await first.dial([address])
                try await Node.run(network.configuration(identity)) { second in
                    let late = try await second.dial([address])
                    guard case .remote(.duplicateConnection, _) = try await late.ending() else {
                        Issue.record(
                            "expected to be told of the duplicate, got \(String(describing: await late.cause))")
                        return
                    }
                }
                _ = try await peer.ping(ByteBuffer(string: "still here"), within: .seconds(5))
                #expect(await server.statistics.inbound == 1)
            }
        }
    }

    @Test("row 14: a second connection takes over from one that is half dead", arguments: TestTransport.all)
    func takeOver(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        let identity = try TestIdentity.make()
        try await network.withNodes {
            $0.limits.connections.probe = .milliseconds(300)
        } _: { server, _, address in
            try await Node.run(network.configuration(identity)) { first in
                let dead = try await first.dial([address])
                let old = try await server.peer(first.id)
                dead.connection.eventLoop.execute { dead.connection.value.setHold(.stream, true) }
                try await Node.run(network.configuration(identity)) { second in
                    let peer = try await second.dial([address])
                    guard case .broken = try await old.ending() else {
                        Issue.record("expected the old connection to be given up")
                        return
                    }
                    _ = try await peer.ping(ByteBuffer(string: "it is me"), within: .seconds(5))
                }
            }
        }
    }

    @Test("row 13: both sides dial at once and keep the same one connection", arguments: TestTransport.all)
    func simultaneous(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        try await network.withNodes {
            $0.acceptsUnregistered = true
        } _: { one, two, address in
            let back = try await two.listen(on: network.anywhere)
            for _ in 0..<20 {
                async let dialled = one.dial([back])
                let (theirs, ours) = (try await two.dial([address]), try await dialled)
                #expect(theirs.id == one.id && ours.id == two.id)
                // Speaks at once, while the links are sorted out.
                try await ours.send(.numbered(1), acknowledged: true)
                try await theirs.send(.numbered(2), acknowledged: true)
                #expect(await one.peers.count == 1)
                #expect(await two.peers.count == 1)
                let directions = await [
                    one.with { $0.connections.values.first?.currentIsOutbound },
                    two.with { $0.connections.values.first?.currentIsOutbound },
                ]
                #expect(directions[0] != directions[1], "the same link on both sides")
                await ours.disconnect()
                _ = try await theirs.ending()
                try await eventually("both have forgotten") {
                    let (left, right) = await (one.peers, two.peers)
                    return left.isEmpty && right.isEmpty
                }
            }
        }
    }

    @Test(
        "a node that is to stay connected dials again, to the same node or its next run", arguments: TestTransport.all)
    func reconnect(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        let identity = try TestIdentity.make()
        var pauses = Reconnect.Configuration()
        pauses.backOff.firstPause = .milliseconds(50)
        pauses.attempts = 100
        let server = try await Node.start(network.configuration(identity))
        let address = try await server.listen(on: network.anywhere)
        let components = Node.standardComponents + [Reconnect(to: [address], pauses)]
        try await Node.run(network.configuration(), components: components) { client in
            let first = try await client.peer(server.id)
            try await server.peer(client.id).disconnect(.idleTimeout)
            _ = try await first.ending()
            let second = try await client.peer(server.id)
            await server.stop()
            _ = try await second.ending()
            try await Node.run(network.configuration(identity)) { next in
                _ = try await next.listen(on: address.pinned(to: nil))
                let third = try await client.peer(next.id)
                _ = try await third.ping(ByteBuffer(string: "again"), within: .seconds(5))
            }
        }
    }

    // MARK: Several at once

    @Test("a node listens on all transports at once, and a dial takes the first that answers")
    func several() async throws {
        let network = TestNetwork(.tcp)
        try await network.withNodes { server, _, tcp in
            var addresses = [tcp]
            for transport in TestTransport.all where transport != .tcp && transport != .memory {
                addresses.append(try await server.listen(on: TestNetwork(transport).anywhere))
            }
            for address in addresses {
                try await Node.run(network.configuration()) { node in
                    let nobody = Address(scheme: address.scheme, host: "127.0.0.1", port: 9)
                    let peer = try await node.dial([nobody, address])
                    #expect(peer.info.address == address)
                    _ = try await peer.ping(ByteBuffer(string: "there"), within: .seconds(5))
                }
            }
        }
    }

    @Test("row 37: over and over: descriptors and memory are back where they were", arguments: TestTransport.all)
    func churn(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        try await network.withNodes { server, _, address in
            @Sendable func rounds(_ count: Int) async throws {
                for _ in 0..<count {
                    try await Node.run(network.configuration()) { node in
                        let peer = try await node.dial([address])
                        try await peer.confirm(within: .seconds(5))
                        await peer.disconnect()
                    }
                }
                try await eventually("all are gone") { await server.peers.isEmpty }
                // What remembers a closed connection for a while forgets it.
                try await Task.sleep(for: .seconds(1))
            }
            try await rounds(100)
            let before = try ProcessFigures()
            try await rounds(400)
            let after = try ProcessFigures()
            #expect(after.descriptors <= before.descriptors + 2, "\(before) became \(after)")
            // What a dial over QUIC holds, its batch of 64 KiB alone, would come to 25 MiB.
            #expect(after.memory <= before.memory + 16, "\(before) became \(after)")
        }
    }
}
