import CarrierWire

@testable import Carrier

/// Two nodes with the tests' messages, each on a loop of its own, and a connection that the second dialled.
enum NodePair {
    static let messages = Result { try MessageRegistry.ofTests }

    static func configuration(
        over transport: TestTransport = .tcp, _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) throws -> NodeConfiguration {
        let messages = try messages.get()
        return try TestNetwork(transport).configuration { configuration in
            configuration.messages = messages
            configuration.acceptsUnregistered = true
            change(&configuration)
        }
    }

    static func run(
        over transport: TestTransport = .tcp, application: [any AsyncComponent] = [],
        _ change: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable (_ server: Node, _ client: Node, _ peer: Peer) async throws -> Void
    ) async throws {
        let messages = try messages.get()
        try await TestNetwork(transport).withNodes(application: application) { configuration in
            configuration.messages = messages
            configuration.acceptsUnregistered = true
            change(&configuration)
        } _: { server, client, address in
            try await body(server, client, try await client.dial([address]))
        }
    }
}
