import CarrierProtocols
import CarrierWire
import CoreMetrics
import MetricsTestKit
import Testing

@testable import Carrier

@Suite("Meters", .serialized)
struct MetersTests {
    /// A program sets up its metrics once.
    private static let metrics: TestMetrics = {
        let metrics = TestMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()

    @Test("whatever metrics system the program has gets connections, bytes and handshake times")
    func meters() async throws {
        let metrics = Self.metrics
        try await NodePair.run { _, client, peer in
            try await peer.confirm(within: .seconds(5))
            #expect(try metrics.expectCounter("carrier_connected_total").totalValue >= 1)
            #expect(try metrics.expectGauge("carrier_connections").lastValue == 1)
            #expect(try metrics.expectTimer("carrier_handshake_duration").lastValue ?? 0 > 0)
        }
        #expect(try metrics.expectGauge("carrier_connections").lastValue == 0)
        #expect(try metrics.expectCounter("carrier_disconnected_total").totalValue >= 1)
        #expect(try metrics.expectCounter("carrier_sent_bytes_total").totalValue > 0)
        #expect(try metrics.expectCounter("carrier_received_bytes_total").totalValue > 0)
    }

    @Test("a limit of a building block that is reached is counted, in the node's limits and in the meters")
    func limits() async throws {
        let metrics = Self.metrics
        let configuration = try NodePair.configuration()
        try await Node.run(configuration, components: Node.overlayComponents(configuration.identity)) { server in
            let address = try await server.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            try await Node.run(NodePair.configuration()) { client in
                let peer = try await client.dial([address])
                let request = LookupNodeRequest(target: server.id.nodeID, count: 16).frame()
                // 40 at once are answered, the others never.
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<80 {
                        group.addTask { _ = try? await peer.request(request, within: .milliseconds(500)) }
                    }
                }
                let answers = await server.limits.first { $0.name == .lookupsAnswered }
                #expect(answers?.limit == 20 && answers?.burst == 40)
                let reached = Int(answers?.reached ?? 0)
                #expect((1...40).contains(reached))
                let counter = try metrics.expectCounter(
                    "carrier_limit_reached_total", [("limit", "lookups_answered_per_s")])
                #expect(counter.totalValue >= Int64(reached))
                // Each name once, so that nobody counts twice.
                let names = await server.limits.map(\.name)
                #expect(names.count == Set(names).count)
                #expect(Set(names) == Set(LimitUse.Name.allCases).subtracting([.dialAttempts]))
            }
        }
    }
}
