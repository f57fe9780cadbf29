import Foundation
import Testing

/// Rows of the fault table that end before a session stands.
@Suite("Hostile peers, before a session", .serialized, .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct HostileHandshakeTests {
    @Test("row 1: ten thousand connects that say nothing cost no memory, and an honest peer still gets in")
    func silentConnects() async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        let before = try node.figures()
        let attack = try PythonPeer.start(.hostile, "client", "silent", node.address, in: node.scratch)
        #expect(await attack.line() == "holding", "\(attack.errors)")
        let during = try node.figures()
        // More silent ones come all the while.
        for _ in 0..<5 {
            let (ping, slowest) = try await node.ping(2)
            #expect(ping.code == 0 && slowest < 3000, "\(slowest) ms, \(ping)")
        }
        #expect(during.descriptors <= before.descriptors + 64, "\(before) became \(during)")
        #expect(during.memory <= before.memory + 32, "\(before) became \(during)")
        // Its own check: each of the last ones ends by the deadline, unanswered.
        let outcome = await PythonPeer.end(attack)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        _ = await node.end()
    }

    @Test("row 2: a dribbled handshake and a dribbled frame end by their deadline")
    func dribble() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "dribble", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(node.endings.last?.contains("receiveTimeout") == true, "\(node.endings)")
        _ = await node.end()
    }

    @Test(
        "row 3: connections from one address are let in slowly, those from others are not touched",
        .enabled(if: Permission.ownNetwork, "needs ip and the right to a network of its own"))
    func churn() async throws {
        let scratch = try Scratch()
        let script = """
            ip link set lo up; for host in 1 2; do ip addr add 10.99.0.$host/24 dev lo; done
            carrier listen -q --json --ready-file ready tcp://10.99.0.1:0 >events & node=$!
            until [ -s ready ]; do sleep 0.02; done
            python3 -B '\(Scratch.package)/Tests/Interop/hostile.py' client churn "$(cat ready)" 10.99.0.2; echo $?
            carrier ping -q -c 1 "$(cat ready)"; echo $?
            kill $node
            """
        let outcome = try await scratch.shell(
            "unshare -n bash -c \"$SCRIPT\"", environment: ["SCRIPT": script], limit: .seconds(60))
        #expect(
            outcome.lines.first?.hasPrefix("taken") == true && outcome.lines.filter { $0 == "0" }.count == 2,
            "\(outcome)")
    }

    @Test(
        "before a session, the node",
        arguments: [
            ("strangers", "row 4: other protocols' first bytes"), ("low-order", "row 6: points of low order"),
            ("flips", "row 7: one bit flipped in each byte"), ("other-network", "row 8: another network or version"),
            ("weak-puzzle", "row 11: weak and borrowed puzzles"), ("reflected", "row 12: its own messages"),
        ])
    func refuses(scenario: String, what: String) async throws {
        let node = try await ListeningNode()
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.hostile, scenario, to: node)
        #expect(outcome.code == 0, "\(what): \(outcome)")
        let (ping, _) = try await node.ping(1)
        #expect(ping.code == 0, "\(what): \(ping)")
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        // Nobody but the honest ones was ever announced.
        let announced = node.records.filter { $0.type == "peer" && $0["event"]?.text == "up" }
        #expect(announced.count <= 2, "\(what): \(announced.map(\.line))")
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("row 5: a recorded session sent again delivers nothing")
    func replay() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "replay", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
        #expect(node.messages == ["only once"])
    }

    @Test("row 8: a listening node names both networks and both versions")
    func namesNetworks() async throws {
        let node = try await ListeningNode()
        let outcome = try await node.scratch.carrier("ping", "-c", "1", "--network", "7", node.address)
        #expect(outcome.code == 4, "\(outcome)")
        #expect(outcome.errors.contains("network 7") && outcome.errors.contains("network 1"), "\(outcome)")
        let line = await node.child.errorLine(containing: "network")
        #expect(line?.contains("network 1") == true && line?.contains("network 7") == true, "\(line ?? "-")")
        _ = await node.end()
    }

    @Test("row 9: an identity's signature that is wrong in any way; the id is never reported")
    func badIdentity() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "bad-identity", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        let id = outcome.lines.last { $0.hasPrefix("id ") }?.dropFirst(3) ?? "-"
        let end = await node.end()
        #expect(!end.output.contains(id), "\(end)")
    }

    @Test("row 12: a peer that proves the node's own id is noticed, also by carrier itself")
    func ownIdentity() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        let node = try await ListeningNode("--identity", "\(scratch.path)/n.pem")
        let outcome = try await PythonPeer.client(.hostile, "own-identity", "\(scratch.path)/n.pem", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        let ping = try await scratch.carrier("ping", "-c", "1", "--identity", "n.pem", node.address)
        #expect(ping.code == 4 && ping.errors.contains("our own"), "\(ping)")
        #expect(await node.end().records.filter { $0.type == "peer" }.isEmpty)
    }

    @Test(
        "a dialling node ends with 4 and says why",
        arguments: [
            ("low-order", 16, "low order", "row 6"), ("other-network", 1, "network 7", "row 8"),
            ("other-version", 1, "version", "row 8"), ("bad-identity", 8, "signature", "row 9"),
            ("weak-puzzle", 1, "puzzles", "row 11"), ("weak-nonce", 1, "puzzles", "row 11"),
            ("wrong-id", 1, "expected peer", "row 10"), ("reflects", 1, "handshake message 2", "row 12"),
            ("strangers", 5, "expected a carrier node", "row 4"),
        ])
    func dialling(scenario: String, times: Int, text: String, row: String) async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, scenario, in: scratch)
        let targets = Array(repeating: address, count: times).joined(separator: "\n")
        try scratch.write(targets + "\n", to: "targets")
        let outcome = try await scratch.shell("carrier ping -c 1 --json - <targets")
        #expect(outcome.code == 4 && outcome.output.contains(text), "\(row): \(outcome)")
        #expect(!outcome.output.contains("\"type\":\"session\""))
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(row): \(end)")
    }

    @Test("row 36: connections that are reset as soon as they stand are failures like others")
    func resets() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "resets", in: scratch)
        try scratch.write(String(repeating: address + "\n", count: 100), to: "targets")
        let outcome = try await scratch.shell("carrier ping -c 1 --json - <targets")
        // Some end while they connect, some in the handshake.
        #expect([1, 3, 4].contains(outcome.code), "\(outcome)")
        #expect(outcome.records.count { $0.type == "error" } >= 100, "\(outcome)")
        #expect(await PythonPeer.end(server).code == 0)
    }

    @Test("row 7: one bit flipped in each byte of message 2 always fails")
    func flippedAnswer() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, "flips", in: scratch)
        // More than the bytes of the longest message 2; as many at a time as a node dials.
        let targets = String(repeating: address + "\n", count: 100)
        try scratch.write(targets, to: "targets")
        for _ in 0..<4 {
            let outcome = try await scratch.shell("carrier ping -c 1 --json --connect-timeout 10s - <targets")
            #expect(outcome.code == 4 && !outcome.output.contains("\"type\":\"session\""), "\(outcome)")
        }
        let end = await PythonPeer.end(server)
        #expect(end.code == 0 && end.lines.count > 390, "\(end)")
    }

    @Test(
        "rows 1, 2: a server that says nothing, or a byte now and then, ends with 4 in time",
        arguments: ["silent", "dribbles"])
    func slowServer(scenario: String) async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.hostile, scenario, in: scratch)
        let outcome = try await scratch.carrier("dial", "-z", "--connect-timeout", "1s", address)
        #expect(outcome.code == 4 && outcome.elapsed < .seconds(4), "\(outcome)")
        #expect(await PythonPeer.end(server).code == 0)
    }
}
