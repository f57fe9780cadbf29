import CarrierProtocols
import CarrierWire
import NIOCore
import NIOPosix

@testable import Carrier

/// Two nodes, each on a loop of its own, and a connection that the second dialled.
enum NodePair {
    static func configuration(_ change: (inout NodeConfiguration) -> Void = { _ in }) throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try VirtualPair.identity())
        configuration.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        configuration.messages = try MessageRegistry.ofTests
        configuration.acceptsUnregistered = true
        change(&configuration)
        return configuration
    }

    static let loopback = Address(scheme: .tcp, host: "127.0.0.1", port: 0)

    static func run(
        application: [any AsyncComponent] = [], _ change: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable (_ server: Node, _ client: Node, _ peer: Peer) async throws -> Void
    ) async throws {
        let (one, two) = (try configuration(change), try configuration(change))
        let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        try await Node.run(one, application: application, on: loops.first) { server in
            let address = try await server.listen(on: Self.loopback)
            try await Node.run(two, on: loops.last) { client in
                try await body(server, client, try await client.dial([address]))
            }
        }
    }

    /// The client as the server sees it.
    static func peer(of client: Node, at server: Node) async throws -> Peer {
        for _ in 0..<500 {
            if let peer = await server.peers.first(where: { $0.id == client.id }) { return peer }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ReceiveError.timeout(.seconds(2))
    }
}
