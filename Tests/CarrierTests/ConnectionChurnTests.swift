import CarrierCrypto
import CarrierTransport
import CarrierWire
import FoundationEssentials
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import Carrier

@Suite("Connections come and go", .serialized)
struct ConnectionChurnTests {
    /// Rounds; `$CARRIER_ROUNDS` for more than there is time for every day.
    private static let rounds = ProcessInfo.processInfo.environment["CARRIER_ROUNDS"].flatMap { Int($0) } ?? 1000

    @Test("row 37: over sockets: descriptors and memory are back where they were")
    func sockets() async throws {
        let identity = try TestIdentity.make()
        let easy = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        var configuration = NodeConfiguration(identity: identity)
        configuration.minimum = easy
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await Node.run(configuration, on: loop) { server in
            let address = try await server.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            let target = address.pinned(to: server.id)
            func rounds(_ count: Int) async throws {
                for _ in 0..<count {
                    var client = NodeConfiguration(identity: try TestIdentity.make())
                    client.minimum = easy
                    try await Node.run(client, on: loop) { node in
                        let peer = try await node.dial([target])
                        try await peer.confirm(within: .seconds(5))
                        await peer.disconnect()
                    }
                }
            }
            try await rounds(100)
            let before = try await Self.settled()
            try await rounds(Self.rounds)
            let after = try await Self.settled()
            #expect(after.descriptors <= before.descriptors, "\(before) became \(after)")
            #expect(after.memory <= before.memory + 12, "MiB: \(before) became \(after)")
            print("\(Self.rounds) rounds over sockets: \(before) → \(after)")
        }
    }

    @Test("within the program: nothing is left of any of them")
    func memory() throws {
        let loop = EmbeddedEventLoop()
        let transport = MemoryTransport()
        let identities = (try TestIdentity.make(), try TestIdentity.make())
        let server = try TestNode(identities.0, over: transport, loop: loop)
        let listening = server.core.listen(on: Address(scheme: transport.scheme, host: "127.0.0.1", port: 0))
        loop.run()
        let target = try listening.wait().pinned(to: server.id)
        let client = try TestNode(identities.1, over: transport, loop: loop)
        weak var last: Connection?
        for round in 0..<Self.rounds {
            var outcome: Result<Connection, DialError>?
            client.core.dial([target]) { outcome = $0 }
            loop.run()
            let connection = try #require(outcome).get()
            last = connection
            try #require(client.send(UInt32(round), to: server))
            // Either side ends it, in every way.
            switch round % 4 {
            case 0: connection.close(.shutdown)
            case 1: server.connection(to: client)?.close(.shutdown)
            case 2: connection.abort(.broken("test"))
            default:
                connection.close(.shutdown)
                server.connection(to: client)?.close(.shutdown)
            }
            loop.advanceTime(by: .seconds(3))
            try #require(server.core.connections.isEmpty && client.core.connections.isEmpty, "round \(round)")
            try #require(server.core.halfOpen.isEmpty && client.core.attempts.isEmpty, "round \(round)")
        }
        #expect(server.ups.count == Self.rounds && server.downs.count == Self.rounds)
        server.forget()
        client.forget()
        #expect(last == nil)
        _ = (server.core.stop(), client.core.stop())
        loop.advanceTime(by: .seconds(10))
        try loop.syncShutdownGracefully()
    }

    @Test("a node that has stopped is freed, with all that it had")
    func nodes() async throws {
        let easy = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        var configuration = NodeConfiguration(identity: try TestIdentity.make())
        configuration.minimum = easy
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let freed = try await Node.run(configuration, on: loop) { server in
            let address = try await server.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            var client = NodeConfiguration(identity: try TestIdentity.make())
            client.minimum = easy
            let components = Node.overlayComponents(client.identity)
            return try await Node.run(client, components: components, on: loop) { node in
                let peer = try await node.dial([address])
                try await peer.confirm(within: .seconds(5))
                return await node.with { Freed($0) }
            }
        }
        for _ in 0..<300 where await freed.isHeld(on: loop) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(await !freed.isHeld(on: loop))
    }

    /// Looks after a node's core without holding it.
    private final class Freed: @unchecked Sendable {
        private weak var core: NodeCore?
        init(_ core: NodeCore) { self.core = core }
        func isHeld(on loop: any EventLoop) async -> Bool {
            (try? await loop.submit { self.core != nil }.get()) ?? true
        }
    }

    private struct Figures: CustomStringConvertible {
        let descriptors: Int
        let memory: Int
        var description: String { "\(descriptors) descriptors, \(memory) MiB" }
    }

    /// The figures once the last sockets are closed.
    private static func settled() async throws -> Figures {
        try await Task.sleep(for: .milliseconds(300))
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
        return Figures(
            descriptors: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
            memory: kibibytes / 1024)
    }
}
