import Foundation
import Testing

/// Rows of the fault table about sessions that stand.
@Suite("Hostile peers, in a session", .serialized, .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct HostileSessionTests {
    @Test(
        "in a session, the node",
        arguments: [
            ("second-while-alive", "row 14: keeps the living connection"),
            ("many-seconds", "row 14: keeps the living connection against many"),
            ("second-while-half-dead", "row 14: gives up one that is half dead"),
            ("lengths", "row 17: judges lengths by the prefix"), ("opcodes", "row 20: unregistered opcodes"),
            ("bad-fields", "row 22: malformed fields"),
            ("bad-overlay-fields", "row 22: malformed fields of the overlay"),
            ("many-requests", "row 23: a hundred thousand requests"),
        ])
    func stands(scenario: String, what: String) async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.hostile, scenario, to: node)
        #expect(outcome.code == 0, "\(what): \(outcome)")
        let (ping, _) = try await node.ping(1)
        #expect(ping.code == 0, "\(what): \(ping)")
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        let after = try node.figures()
        #expect(after.memory < before.memory + 48, "\(what): \(before) became \(after)")
        #expect(await node.end().code == -SIGTERM)
    }

    @Test(
        "row 13: a peer that is dialled and dials back keeps one connection, and what it says arrives once",
        arguments: ["honest", "both", "reset"], ["smaller", "greater"])
    func crossing(what: String, order: String) async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "crossing", what, order, in: scratch)
        let node = try await ListeningNode("--bootstrap", address)
        try await node.withstands(server)
        #expect(await node.end().code == -SIGTERM)
        let id = String(address.dropFirst("tcp://".count).prefix(64))
        let ups = node.records.filter { $0["event"]?.text == "up" && $0["peer"]?.text == id }
        #expect(ups.count == (what == "reset" ? 2 : 1), "\(node.records.map(\.line))")
        let numbers = node.messages.compactMap { Int($0) }
        #expect(numbers.count == Set(numbers).count, "\(numbers)")
        if what == "honest" { #expect(numbers == Array(0..<10)) }
        // What did not arrive, the sender knows: it was not acknowledged. What must be, the peer looks at.
        let said = server.output.split(separator: "\n").first { $0.hasPrefix("acknowledged ") } ?? ""
        let acknowledged = said.split(separator: " ").compactMap { Int($0) }
        #expect(acknowledged.count >= 10 && Set(acknowledged).isSubset(of: numbers), "\(said), but \(numbers)")
    }

    @Test("row 24: programs that hang or die for one peer cost no other anything")
    func applications() async throws {
        let script = "read word; case $word in hang) exec sleep 1000;; die) kill -9 $$;; *) exec cat;; esac"
        let node = try await ListeningNode("--exec", script)
        _ = try await node.ping(1)
        try await node.withstands(PythonPeer.attack(.hostile, "applications", on: node))
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("row 15: records altered, reordered, replayed or left out deliver nothing")
    func records() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "bad-records", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
        #expect(node.messages == ["good"])
    }

    @Test(
        "row 16: a stream that ends in the middle is broken, not closed",
        arguments: [
            ("record", "inside a frame"), ("length", "inside a frame"), ("frame", "inside a frame"),
            ("boundary", "without a Disconnect"), ("properly", "closed by the peer: shutdown"),
        ])
    func cut(at place: String, ending: String) async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "cut", place, to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.child.line { $0.contains("\"down\"") }
        let text = node.endings.last ?? "-"
        #expect(text.contains(ending) && text.hasPrefix("broken") == (place != "properly"), "\(text)")
        _ = await node.end()

        guard place != "properly", place != "length" else { return }
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "cut", place, in: scratch)
        let dial = try await scratch.carrier("dial", "--recv-only", address)
        #expect(dial.code == 6 && dial.output == "the beginning\n" && dial.errors.contains(ending), "\(dial)")
        #expect(await PythonPeer.end(server).code == 0)
    }

    @Test("row 17: sixty frames of 4 MiB announced and withheld take no memory")
    func withheld() async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        let before = try node.figures()
        let attack = try PythonPeer.start(.hostile, "client", "withheld", node.address, in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        let (ping, slowest) = try await node.ping()
        #expect(ping.code == 0 && slowest < 3000, "\(slowest) ms, \(ping)")
        let during = try node.figures()
        #expect(during.peak < before.peak + 40, "\(before) became \(during)")
        #expect(await PythonPeer.end(attack).code == 0)
        _ = await node.end()
    }

    @Test(
        "row 18: empty records and frames for ever take little processor time, and an honest peer is answered",
        arguments: ["records", "bytes", "acks", "replies"])
    func empty(what: String) async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        let before = try node.figures()
        let attack = try PythonPeer.start(.hostile, "client", "empty", node.address, what, "13", in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        let (ping, _) = try await node.ping(5)
        #expect(ping.code == 0, "\(ping)")
        // Once the burst is used up.
        try await Task.sleep(for: .seconds(7))
        let busy = try node.figures()
        try await Task.sleep(for: .seconds(2))
        let later = try node.figures()
        #expect(later.processor - busy.processor < 1, "\(busy) became \(later)")
        #expect(later.peak < before.peak + 64, "\(before) became \(later)")
        let (second, _) = try await node.ping(5)
        #expect(second.code == 0, "\(second)")
        let outcome = await PythonPeer.end(attack)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
    }

    @Test(
        "row 19: a peer that provokes replies and reads none is dropped, and costs a send buffer at most",
        arguments: ["pings", "small"])
    func neverReads(what: String) async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        let before = try node.figures()
        let attack = try PythonPeer.start(.hostile, "client", "never-reads", node.address, what, in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        let (ping, slowest) = try await node.ping(20)
        #expect(ping.code == 0 && slowest < 3000, "\(slowest) ms, \(ping)")
        let outcome = await attack.outcome()
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        let after = try node.figures()
        #expect(after.peak < before.peak + 48, "\(before) became \(after)")
        _ = await node.child.line { $0.contains("\"down\"") && $0.contains("sendBufferFull") }
        #expect(node.endings.contains { $0.contains("sendBufferFull") }, "\(node.endings)")
        _ = await node.end()
    }

    @Test("row 20: a node that dialled ends the session over an unregistered opcode")
    func unregistered() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "unregistered", in: scratch)
        let outcome = try await scratch.carrier("ping", "-c", "3", "-i", "100ms", address)
        #expect(outcome.code != 0 && outcome.errors.contains("999"), "\(outcome)")
        #expect(await PythonPeer.end(server).code == 0)
    }

    @Test("row 23: late, doubled and unknown replies are ignored")
    func oddReplies() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "odd-replies", in: scratch)
        let outcome = try await scratch.carrier("ping", "-c", "10", "-i", "20ms", "--json", address)
        let sequence = outcome.records.filter { $0.type == "reply" }.compactMap { $0["seq"]?.number }
        #expect(outcome.code == 0 && sequence == (1...10).map(Double.init), "\(outcome)")
        #expect(await PythonPeer.end(server).code == 0)
    }

    @Test("row 36: a node that runs out of descriptors accepts again when there are some")
    func descriptors() async throws {
        let scratch = try Scratch()
        let node = try scratch.startShell(
            "ulimit -n 40; exec carrier listen -v --json --ready-file ready tcp://127.0.0.1:0", limit: .seconds(60))
        let ready = await node.line().flatMap { JSONRecord($0) }
        let address = try #require(ready?["addresses"]?.array?.first?.text, "\(node.errors)")
        let attack = try PythonPeer.start(.hostile, "client", "descriptors", address, in: scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        try await Task.sleep(for: .seconds(1))
        let busy = try Figures(of: node.pid)
        try await Task.sleep(for: .seconds(1))
        let later = try Figures(of: node.pid)
        #expect(later.processor - busy.processor < 0.5, "it spins: \(busy) became \(later)")
        #expect(await PythonPeer.end(attack).code == 0)
        let ping = try await scratch.carrier("ping", "-c", "1", "--until", "up", "--timeout", "10s", address)
        #expect(ping.code == 0, "\(ping)")
        node.send(SIGTERM)
        #expect(await node.outcome().code == -SIGTERM)
    }

    @Test("row 36: SIGTERM in the middle of handshakes ends the node in time")
    func termInHandshake() async throws {
        let node = try await ListeningNode()
        let attack = try PythonPeer.start(.hostile, "client", "silent", node.address, "50", "20", in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        let begun = ContinuousClock.now
        let outcome = await node.end()
        #expect(outcome.code == -SIGTERM && .now - begun < .seconds(3), "\(outcome)")
        _ = await PythonPeer.end(attack)

        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "silent", in: scratch)
        let dial = try scratch.start("dial", "-v", address)
        try await Task.sleep(for: .milliseconds(300))
        dial.send(SIGTERM)
        let end = await dial.outcome()
        #expect(end.code == -SIGTERM && end.elapsed < .seconds(3), "\(end)")
        #expect(await PythonPeer.end(server).code == 0)
    }
}
