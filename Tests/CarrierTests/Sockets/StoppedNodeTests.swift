import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import Carrier

@Suite("Calls that wait for a node which stops", .timeLimit(.minutes(1)))
struct StoppedNodeTests {
    /// A node whose only bootstrap peer takes a link and says nothing.
    private func withLonelyNode(
        _ body: @escaping @Sendable (Node) async throws -> Void
    ) async throws {
        let silent = try ListeningSocket(backlog: 16)
        let configuration = try NodePair.configuration()
        var discovery = DiscoveryConfiguration()
        discovery.bootstrap = [silent.address]
        let components = Node.overlayComponents(configuration.identity, discovery: discovery)
        let waiting = try await Node.run(configuration, components: components) { node in
            let waiting = Task { try await body(node) }
            try await Task.sleep(for: .milliseconds(200))
            return (waiting, node)
        }
        // Of the node, or of the dial that ended with it.
        await #expect {
            try await waiting.0.value
        } throws: {
            $0 is NodeStopped || $0 is JoinError
        }
        // One that comes too late waits for nothing either.
        await #expect(throws: NodeStopped.self) { try await body(waiting.1) }
        withExtendedLifetime(silent) {}
    }

    @Test("joining ends") func joining() async throws {
        try await withLonelyNode { try await $0.joined() }
    }
}
