import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Carrier

@Suite("Relays and reachability over sockets", .serialized, .timeLimit(.minutes(2)))
struct RelayTests {
    private static let loopback = Address(scheme: .tcp, host: "127.0.0.1", port: 0)

    private static func configuration(_ change: (inout NodeConfiguration) -> Void = { _ in }) throws
        -> NodeConfiguration
    {
        var configuration = NodeConfiguration(identity: try VirtualPair.identity())
        configuration.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        configuration.messages = try MessageRegistry.ofTests
        change(&configuration)
        return configuration
    }

    private static let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())

    /// A relay, a node behind it, and a third node; and the door.
    private func withRelay(
        _ changeRelay: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable (_ relay: Node, _ hidden: Node, _ dialler: Node, _ door: Address) async throws -> Void
    ) async throws {
        let relaying = try Self.configuration {
            $0.relay = RelayServer.Configuration()
            changeRelay(&$0)
        }
        try await Node.run(relaying, on: Self.loops.first) { relay in
            let address = try await relay.listen(on: Self.loopback)
            let hiding = try Self.configuration { $0.relays = [address] }
            try await Node.run(hiding, on: Self.loops.last) { hidden in
                let doors = await hidden.openDoors(within: .seconds(5))
                let door = try #require(doors[address]).pinned(to: hidden.id)
                try await Node.run(try Self.configuration(), on: Self.loops.last) { dialler in
                    try await body(relay, hidden, dialler, door)
                }
            }
        }
    }

    /// Waits until something holds.
    private func becomes(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<1000 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private func peer(_ id: PeerID, of node: Node) async throws -> Peer {
        var found: Peer?
        _ = try await becomes {
            found = await node.peers.first { $0.id == id }
            return found != nil
        }
        return try #require(found)
    }

    @Test("the connection that a door depends on is no spare one, on either side")
    func kept() async throws {
        try await withRelay { relay, hidden, _, _ in
            let (owner, keeper) = (hidden.id, relay.id)
            #expect(await relay.with { $0.connections[owner]?.isSpare } == false)
            #expect(await hidden.with { $0.connections[keeper]?.isSpare } == false)
        }
    }

    @Test("messages pass the door both ways, and the relay sees none of it")
    func throughTheDoor() async throws {
        let seen = Mutex<[Frame]>([])
        try await withRelay({ $0.recorder = { frame in seen.withLock { $0.append(frame.frame) } } }) {
            relay, hidden, dialler, door in
            let peer = try await dialler.dial([door])
            #expect(peer.id == hidden.id)
            let other = try await self.peer(dialler.id, of: hidden)
            #expect(peer.info.observedAddress.hasPrefix("tcp://127.0.0.1:"))
            try await peer.send(Numbered(8), acknowledged: true)
            #expect(try await other.receive(Numbered.self, within: .seconds(5)).number == 8)
            let payload = ByteBuffer(string: String(repeating: "secret words", count: 20_000))
            _ = try await peer.ping(payload, within: .seconds(10))
            let bytes = seen.withLock { $0 }.filter { $0.opcode == .bytes }
            #expect(bytes.reduce(0) { $0 + $1.body.readableBytes } > 240_000)
            let words = Array("secret words".utf8)
            #expect(!bytes.contains { frame in frame.body.readableBytesView.firstRange(of: words) != nil })
            // A relay hears of sessions, not of what passes its doors.
            #expect(await relay.peers.map(\.id) == [hidden.id])
            await peer.disconnect()
            #expect(try await self.becomes { await hidden.peers.map(\.id) == [relay.id] })
            #expect(try await self.becomes { await relay.with { $0.asides.isEmpty } })
        }
    }

    @Test("ten diallers at once, each with its own circuit; the owner's session with the relay stays")
    func many() async throws {
        try await withRelay { relay, hidden, _, door in
            let before = try await self.peer(hidden.id, of: relay)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        try await Node.run(try Self.configuration(), on: Self.loops.first) { node in
                            let peer = try await node.dial([door])
                            let payload = ByteBuffer(repeating: UInt8(number), count: 100_000)
                            for _ in 0..<5 { _ = try await peer.ping(payload, within: .seconds(10)) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await before.cause == nil)
            #expect(try await self.becomes { await hidden.peers.map(\.id) == [relay.id] })
        }
    }

    @Test("a seventeenth connection finds the door shut, until one of the others is gone")
    func circuitLimit() async throws {
        try await withRelay({ $0.relay?.circuits = 2 }) { _, _, dialler, door in
            // Links that say nothing: fetched, they wait for a handshake that does not come.
            let transport = TCPTransport()
            let loop = dialler.loop
            @Sendable func link() async throws -> NIOLoopBound<any Link> {
                try await loop.flatSubmit {
                    let promise = loop.makePromise(of: NIOLoopBound<any Link>.self)
                    _ = transport.dial(door, loop: loop, timeout: .seconds(5)) { result in
                        promise.completeWith(
                            result.map { NIOLoopBound($0, eventLoop: loop) }.mapError { $0 as any Error })
                    }
                    return promise.futureResult
                }.get()
            }
            let silent = [try await link(), try await link()]
            try await Task.sleep(for: .milliseconds(200))
            await #expect(throws: DialError.self) { _ = try await dialler.dial([door]) }
            loop.execute { for each in silent { each.value.close() } }
            #expect(
                try await self.becomes {
                    do { _ = try await dialler.dial([door]) } catch { return false }
                    return true
                })
        }
    }

    @Test("a relay that is gone and comes back opens a door again")
    func relayRestarts() async throws {
        let identity = try VirtualPair.identity()
        @Sendable func relayConfiguration() throws -> NodeConfiguration {
            var configuration = try Self.configuration { $0.relay = RelayServer.Configuration() }
            configuration.identity = identity
            return configuration
        }
        var relay = try await Node.start(try relayConfiguration(), on: Self.loops.first)
        let address = try await relay.listen(on: Self.loopback)
        let hiding = try Self.configuration { $0.relays = [address] }
        let hidden = try await Node.start(hiding, on: Self.loops.last)
        _ = try await becomes { await hidden.doors[address] != nil }
        await relay.stop()
        #expect(try await becomes { await hidden.doors.isEmpty })
        relay = try await Node.start(try relayConfiguration(), on: Self.loops.first)
        _ = try await relay.listen(on: address)
        #expect(try await becomes { await hidden.doors[address] != nil })
        let door = try #require(await hidden.doors[address])
        try await Node.run(try Self.configuration(), on: Self.loops.first) { dialler in
            _ = try await dialler.dial([door.pinned(to: hidden.id)]).ping(ByteBuffer(), within: .seconds(5))
        }
        await hidden.stop()
        await relay.stop()
    }

    @Test("a ticket that was never given ends the session")
    func tickets() async throws {
        let relaying = try Self.configuration { $0.relay = RelayServer.Configuration() }
        try await Node.run(relaying, on: Self.loops.first) { relay in
            let address = try await relay.listen(on: Self.loopback)
            let configuration = try Self.configuration { $0.acceptsUnregistered = true }
            try await Node.run(configuration, on: Self.loops.last) { stranger in
                let peer = try await stranger.dial([address])
                try await peer.send(
                    ProxyRequest(kind: ProxyRequest.claimCircuit, ticket: Array(repeating: 7, count: 16)).frame())
                #expect(try await self.becomes { await peer.cause != nil })
                guard case .remote(.protocolError, _) = await peer.cause else {
                    Issue.record("expected protocolError, got \(String(describing: await peer.cause))")
                    return
                }
            }
        }
    }

    @Test("a node that is no relay says so, and the session goes on")
    func noRelay() async throws {
        try await Node.run(try Self.configuration(), on: Self.loops.first) { server in
            let address = try await server.listen(on: Self.loopback)
            try await Node.run(try Self.configuration(), on: Self.loops.last) { client in
                let peer = try await client.dial([address])
                let reply = try await peer.request(ProxyRequest(kind: ProxyRequest.openDoor).frame())
                #expect(try ProxyResponse(fields: reply.body).status == ProxyResponse.refused)
                _ = try await peer.ping(ByteBuffer(), within: .seconds(5))
            }
        }
    }

    // MARK: Reachability

    @Test("a peer dials back, whoever dialled whom, and the connection that stands is not touched")
    func dialsBack() async throws {
        for _ in 0..<6 {
            // Which id is the smaller one is chance, and decides what two dials at once come to.
            try await Node.run(try Self.configuration(), on: Self.loops.first) { server in
                let address = try await server.listen(on: Self.loopback)
                try await Node.run(try Self.configuration(), on: Self.loops.last) { client in
                    let own = try await client.listen(on: Self.loopback)
                    let peer = try await client.dial([address])
                    #expect(try await client.checkReachability(of: own, by: peer) == .reached)
                    let closed = Address(scheme: .tcp, host: "127.0.0.1", port: 1)
                    guard case .notReached = try await client.checkReachability(of: closed, by: peer) else {
                        Issue.record("expected notReached")
                        return
                    }
                    let elsewhere = Address(scheme: .tcp, host: "127.0.0.2", port: own.port)
                    guard case .refused = try await client.checkReachability(of: elsewhere, by: peer) else {
                        Issue.record("expected refused")
                        return
                    }
                    // Somebody else's port: the id is not ours.
                    guard case .notReached = try await client.checkReachability(of: address, by: peer) else {
                        Issue.record("expected notReached")
                        return
                    }
                    _ = try await peer.ping(ByteBuffer(), within: .seconds(5))
                    #expect(await peer.cause == nil)
                    #expect(await client.peers.count == 1)
                    #expect(await server.peers.count == 1)
                    let other = try await self.peer(client.id, of: server)
                    guard case .reached = try await server.checkReachability(of: address, by: other) else {
                        Issue.record("expected reached")
                        return
                    }
                    _ = try await peer.ping(ByteBuffer(), within: .seconds(5))
                    #expect(try await self.becomes { await client.with { $0.asides.isEmpty } })
                }
            }
        }
    }

    @Test("a new record reaches those that are connected")
    func introduces() async throws {
        struct Hears: Component {
            let journal: Journal
            func renewed(_ peer: PeerInfo, _ context: inout Context) {
                journal.note(peer.record.addresses.joined(separator: " "))
            }
        }
        let journal = Journal()
        let components: [any Component] = Node.standardComponents + [Hears(journal: journal)]
        try await Node.run(try Self.configuration(), components: components, on: Self.loops.first) { server in
            let address = try await server.listen(on: Self.loopback)
            await server.publish([address])
            try await Node.run(try Self.configuration(), on: Self.loops.last) { client in
                let peer = try await client.dial([address])
                await client.publish([Address(scheme: .tcp, host: "127.0.0.1", port: 4242)])
                #expect(try await self.becomes { journal.all == ["tcp://127.0.0.1:4242"] })
                _ = try await peer.ping(ByteBuffer(), within: .seconds(5))
                #expect(await client.peers.count == 1)
            }
        }
    }
}
