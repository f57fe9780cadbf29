import Foundation
import Testing

@Suite("listen --stats", .serialized)
struct ListenStatsTests {
    /// Each limit of a node that is not asked to reconnect, with its default in the unit of its name.
    static let defaults: [String: Double] = [
        "handshake_ms": 10_000, "half_open": 32, "inbound": 128, "outbound": 128, "spare": 64, "rest_ms": 10_000,
        "per_site": 8, "new_per_s": 0.2,
        "dial_ms": 5000, "delivery_ms": 2000, "frame_ms": 10_000, "processing_ms": 3000, "message_bytes": 4_194_304,
        "for_nothing_per_s": 5000, "waiting_bytes": 1_048_576, "events": 65_536, "event_bytes": 16_777_216,
        "send_buffer_bytes": 4_194_304, "send_wait_ms": 3000,
        "send_full_ms": 10_000, "requests": 256, "request_ms": 10_000, "keepalive_ms": 30_000, "idle_ms": 90_000,
        "handshake_bytes": 4096, "depth": 32, "records": 1_048_576,
        // Finding others, telling everyone, relaying: 128 doors where a node is a relay.
        "dials_per_s": 1, "lookups": 256, "lookup_ms": 30_000, "lookup_query_ms": 3000, "lookups_answered_per_s": 20,
        "bucket_contacts": 16, "siblings": 80, "bucket_replacements": 10, "subnet_in_bucket": 2, "subnet_in_table": 10,
        "contact_failures": 5, "broadcast_age_ms": 120_000, "broadcast_ids": 65_536, "broadcast_bytes": 16_777_216,
        "broadcasts_per_s": 20, "sender_broadcasts_per_s": 400, "relay_doors": 128, "relay_doors_per_node": 4,
        "relay_circuits": 16,
        "relay_circuit_ms": 3_600_000,
    ]
    /// What may come at once, for those that are rates.
    static let bursts: [String: Double] = [
        "new_per_s": 16, "for_nothing_per_s": 100_000, "dials_per_s": 16, "lookups_answered_per_s": 40,
        "broadcasts_per_s": 100, "sender_broadcasts_per_s": 1000,
    ]

    @Test("names every limit with its default, what is in use of it, and how often it was reached")
    func limits() async throws {
        let node = try await ListeningNode("--stats", "50ms", "--max-peers", "1", "--relay-for-others")
        let first = try #require(await node.child.line { $0.contains("\"stats\"") }.flatMap { JSONRecord($0) })
        let limits = try #require(first["limits"]?.array).compactMap(\.object)
        var expected = Self.defaults
        expected["inbound"] = 1
        let told = Dictionary(
            limits.map { ($0["name"]?.text ?? "", $0["limit"]?.number ?? -1) }, uniquingKeysWith: { $1 })
        #expect(told == expected)
        let bursts = limits.compactMap { limit in
            limit["burst"]?.number.map { (limit["name"]?.text ?? "", $0) }
        }
        #expect(Dictionary(bursts, uniquingKeysWith: { $1 }) == Self.bursts)
        #expect(limits.allSatisfy { $0["reached"]?.number == 0 })

        let dial = try node.scratch.start("dial", "--messages", "lines", node.address, input: true)
        func inbound(_ key: String, is value: Double) async -> Bool {
            await node.child.line { line in
                let limits = JSONRecord(String(line))?["limits"]?.array?.compactMap(\.object) ?? []
                return limits.first { $0["name"]?.text == "inbound" }?[key]?.number == value
            } != nil
        }
        #expect(await inbound("used", is: 1))
        let refused = try await node.scratch.carrier("ping", "-c", "1", node.address)
        #expect(refused.code == 5, "\(refused)")
        #expect(await inbound("reached", is: 1))
        dial.closeInput()
        #expect(await dial.outcome().code == 0)
        _ = await node.end()
        let last = try #require(node.records.last { $0.type == "stats" })
        #expect(last["rx_bytes"]?.number ?? 0 > 300 && last["tx_bytes"]?.number ?? 0 > 300)
    }

    @Test(
        "counts links of one place that are too many, and those that come too fast",
        .enabled(if: ListeningNode.canBeAlone, "needs root, unshare, nsenter and ip"))
    func admission() async throws {
        let node = try await ListeningNode(
            ["--stats", "50ms"], on: "tcp://198.51.100.1:0", networks: ["198.51.100.1/24"])
        let port = try #require(node.address.split(separator: ":").last)
        // Sixteen may come at once, eight of them may stay.
        let dial = "for i in $(seq 20); do exec {link}<>/dev/tcp/198.51.100.1/\(port); done; read"
        let strangers = try node.start(["bash", "-c", dial], input: true)
        func reached(_ name: String, _ count: Double) async -> Bool {
            await node.child.line { line in
                let limits = JSONRecord(String(line))?["limits"]?.array?.compactMap(\.object) ?? []
                return limits.first { $0["name"]?.text == name }?["reached"]?.number == count
            } != nil
        }
        #expect(await reached("per_site", 8))
        #expect(await reached("new_per_s", 4))
        strangers.closeInput()
        _ = await strangers.outcome()
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("without --json it is a line on stderr, and stdout carries results alone")
    func text() async throws {
        let scratch = try Scratch()
        let node = try scratch.start("listen", "--stats", "50ms", "tcp://127.0.0.1:0")
        #expect(await node.errorLine(containing: "half_open 0 of 32") != nil)
        node.send(SIGTERM)
        let outcome = await node.outcome()
        #expect(outcome.lines.count == 1 && outcome.lines[0].hasPrefix("tcp://"), "\(outcome)")
        let onTerminal = try await scratch.shell(
            "script -qec 'carrier listen --ephemeral --stats 20ms --duration 500ms tcp://127.0.0.1:0 >out' /dev/null </dev/null"
        )
        #expect(onTerminal.output.contains("B/s; out ▁"), "\(onTerminal)")
        #expect(try scratch.read("out").split(separator: "\n").count == 1)
        let wrong = try await scratch.carrier("listen", "--stats", "1ms")
        #expect(wrong.code == 64 && wrong.errors.contains("at least 10ms"), "\(wrong)")
    }
}
