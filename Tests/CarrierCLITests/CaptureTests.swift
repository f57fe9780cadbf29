import Foundation
import Glibc
import Testing

/// What the network saw and what the node wrote down are the same frames.
@Suite(
    "What tcpdump sees is what --record says",
    .enabled(if: Permission.capture, "needs tcpdump and the right to capture"))
struct CaptureTests {
    private static let logs = "--record record --keylog keys"
    private static let place = String(repeating: "5a", count: 32)

    @Test(
        "over TCP",
        arguments: [
            "printf hello | carrier dial \(logs)", "carrier ping -q -c 3 -i 10ms \(logs)",
            "carrier lookup --closest 3 --timeout 5s \(place) \(logs) --bootstrap",
            "seq 3 | carrier broadcast --timeout 5s --report 1s \(logs) --bootstrap",
        ])
    func tcp(command: String) async throws {
        let node = try await ListeningNode("--echo", limit: .seconds(60))
        try await compare(node, "\(command) \(node.address)", node.address, transport: "tcp")
    }

    @Test("over UDP")
    func udp() async throws {
        let node = try await ListeningNode("udp://127.0.0.1:0")
        let addresses = try node.scratch.read("ready").split(separator: "\n").map(String.init)
        let address = try #require(addresses.first { $0.hasPrefix("udp://") })
        try await compare(
            node, "carrier ping -q -c 3 -i 10ms \(Self.logs) \(address)", address, transport: "udp")
    }

    @Test("over QUIC the capture shows that there is something, and how much")
    func quic() async throws {
        let node = try await ListeningNode("quic://127.0.0.1:0")
        let addresses = try node.scratch.read("ready").split(separator: "\n").map(String.init)
        let address = try #require(addresses.first { $0.hasPrefix("quic://") })
        let scratch = try Scratch()
        let capture = try await Capture(of: address, in: scratch)
        let run = try await scratch.shell("carrier ping -q -c 3 -i 10ms --record record \(address)")
        #expect(run.code == 0, "\(run)")
        #expect(try await scratch.carrier("decode", "--json", "--only", "ping,pong", "record").lines.count == 7)
        let gaps = try await capture.records(in: scratch) { !$0.isEmpty }.filter { $0["transport"]?.text == "quic" }
        #expect(gaps.count == 2 && gaps.allSatisfy { $0.type == "gap" && ($0["length"]?.number ?? 0) > 1200 })
        _ = await node.end()
    }

    private func compare(_ node: ListeningNode, _ command: String, _ address: String, transport: String) async throws {
        let scratch = try Scratch()
        let capture = try await Capture(of: address, in: scratch)
        let run = try await scratch.shell(command)
        let recorded = try await scratch.carrier("decode", "--json", "--only", "session", "record").records
        let sent = Self.frames(recorded, "direction", "sent")
        let received = Self.frames(recorded, "direction", "received")
        #expect(sent.count > 1 && !received.isEmpty, "\(run)")
        let captured = try await capture.records(in: scratch) { records in
            records.count { $0["layer"]?.text == "session" } >= sent.count + received.count
        }
        #expect(Self.frames(captured, "from", "initiator") == sent)
        // What came behind its own good-bye the node did not read any more.
        #expect(Self.frames(captured, "from", "responder").starts(with: received))
        #expect(captured.filter { $0["stream"] != nil }.allSatisfy { $0["transport"]?.text == transport })
        #expect(captured.allSatisfy { $0.type != "gap" })
        _ = await node.end()
    }

    /// The bytes of the frames that went one way, in order.
    private static func frames(_ records: [JSONRecord], _ key: String, _ value: String) -> [String] {
        records.filter { $0["layer"]?.text == "session" && $0[key]?.text == value }.map { $0["raw_b64"]?.text ?? "" }
    }
}

/// A running tcpdump.
private struct Capture {
    let child: Child

    /// Watches the port of an address on loopback.
    init(of address: String, in scratch: Scratch) async throws {
        let port = try #require(address.split(separator: ":").last)
        child = try scratch.startShell("exec tcpdump -i lo -U --immediate-mode -s 0 -w - port \(port) >capture")
        _ = try #require(await child.errorLine(containing: "listening on"))
    }

    /// What the capture holds once it is enough; the packets of a session's end may come a moment later.
    func records(in scratch: Scratch, enough: ([JSONRecord]) -> Bool) async throws -> [JSONRecord] {
        var records: [JSONRecord] = []
        for _ in 0..<50 {
            let keys = FileManager.default.fileExists(atPath: "\(scratch.path)/keys") ? "--keylog keys" : ""
            let outcome = try await scratch.shell("carrier decode --json \(keys) capture")
            records = outcome.records.filter { $0.type == "frame" || $0.type == "gap" }
            if enough(records) { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        child.send(SIGINT)
        _ = await child.outcome()
        return records
    }
}
