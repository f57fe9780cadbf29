import Foundation
import Testing

/// Row 33 of the fault table, and what an honest second implementation of the datagrams is answered.
@Suite("Datagrams of a second implementation", .serialized, .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct HostileDatagramTests {
    @Test(
        "a node that listens on udp://",
        arguments: [
            ("honest", "answers as the page says"), ("repeats", "takes what is doubled once"),
            ("moves", "follows its peer to another address"),
            ("short", "row 33: does not answer a short init"),
            ("amplification", "row 33: sends nobody more than was sent"),
            ("stolen-token", "row 33: takes a token from its owner only"),
            ("replayed", "row 33: takes replayed data once"), ("flips", "row 7: takes nothing that was altered"),
            ("noise", "row 4: answers no noise"), ("bad-frames", "row 22: stands malformed frames"),
        ])
    func stands(scenario: String, what: String) async throws {
        let node = try await ListeningNode([], on: "udp://127.0.0.1:0")
        _ = try await node.ping(1)
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.datagrams, scenario, to: node)
        #expect(outcome.code == 0, "\(what): \(outcome)")
        let (ping, _) = try await node.ping(1)
        #expect(ping.code == 0, "\(what): \(ping)")
        let after = try node.figures()
        #expect(after.descriptors <= before.descriptors, "\(what): \(before) became \(after)")
        #expect(after.memory < before.memory + 24, "\(what): \(before) became \(after)")
        #expect(await node.end().code == -SIGTERM)
        if scenario == "replayed" { #expect(node.messages == ["only once"]) }
    }

    @Test(
        "row 33: whatever the network says of an address by ICMP ends that dial at most, not the program",
        .enabled(if: Permission.rawSockets, "needs raw sockets"), arguments: ["udp", "quic"])
    func unreachable(scheme: String) async throws {
        let scratch = try Scratch()
        let (network, address) = try await PythonPeer.server(.unreachable, "icmp", scheme, in: scratch)
        // As many dials as there are codes, from ports of their own, side by side.
        try scratch.write(String(repeating: address + "\n", count: 10), to: "targets")
        let outcome = try await scratch.shell("carrier ping -c 1 --json --connect-timeout 1s - <targets")
        #expect(outcome.code == 3 && outcome.elapsed < .seconds(10), "\(outcome)")
        #expect(outcome.records.count { $0.type == "error" } == 10, "\(outcome)")
        #expect(await PythonPeer.end(network).code == 0)
    }

    @Test("row 33: a flood of ten thousand inits costs no state, and an honest peer is answered in time")
    func flood() async throws {
        let node = try await ListeningNode([], on: "udp://127.0.0.1:0")
        _ = try await node.ping(1)
        let before = try node.figures()
        let attack = try PythonPeer.start(.datagrams, "client", "flood", node.address, in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        for _ in 0..<3 {
            let (ping, slowest) = try await node.ping(10)
            #expect(ping.code == 0 && slowest < 1000, "\(slowest) ms, \(ping)")
        }
        let after = try node.figures()
        #expect(after.peak < before.peak + 24, "\(before) became \(after)")
        #expect(await PythonPeer.end(attack).code == 0)
        _ = await node.end()
    }
}
