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
}
