import Testing

@testable import CarrierCLI

@Suite("Charts")
struct SparklineTests {
    @Test("zero is the lowest bar, the greatest the highest, what is missing a cross")
    func bars() {
        #expect(Sparkline.of([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.of([7, nil, 0]) == "█×▁")
        #expect(Sparkline.of([0, 0]) == "▁▁")
        #expect(Sparkline.of([]) == "")
        #expect(Sparkline.of([nil]) == "×")
        #expect(Sparkline.of([.infinity, 1]) == "×█")
    }

    @Test("many values share the columns, and the worst of them shows")
    func shares() {
        var values = [Double?](repeating: 1, count: 600)
        values[299] = 7
        values[42] = nil
        let row = Array(Sparkline.of(values))
        #expect(row.count == 60)
        #expect(row[29] == "█" && row[4] == "×" && row[10] == "▂")
    }

    @Test("ping --chart ends with the course of the round trips")
    func ping() async throws {
        let node = try await ListeningNode()
        let outcome = try await node.scratch.carrier(
            "ping", "--ephemeral", "-q", "--chart", "-c", "5", "-i", "10ms", node.address)
        #expect(outcome.code == 0 && outcome.output.contains("█") && outcome.output.contains(" up to "), "\(outcome)")
    }
}
