import Foundation
import Testing

/// Rows of the fault table about lookups and broadcasts, against the real binary.
@Suite("Hostile peers in the overlay", .serialized, .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct HostileOverlayTests {
    private static let somebody = String(repeating: "5a", count: 32)

    @Test("row 25: of a poisoned answer only what is good is believed")
    func poison() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.overlay, "poison", in: scratch)
        let good = try #require(await server.line { $0.count == 64 })
        let outcome = try await scratch.carrier(
            "lookup", "--closest", "20", "--json", "--bootstrap", address, Self.somebody, limit: .seconds(60))
        let found = Set(outcome.records.filter { $0.type == "found" }.compactMap { $0["public_key"]?.text })
        let liar = String(address.dropFirst("tcp://".count).prefix(64))
        // The good one does not exist either: whether it is named depends on whether it was asked.
        #expect(found.contains(liar) && found.isSubset(of: [good, liar]), "\(outcome)")
        #expect(await PythonPeer.end(server).code == 0)
    }

    @Test(
        "rows 25 and 31: a lookup ends within its bounds, and finds nothing that is not there",
        arguments: ["too-many", "endless", "slow"])
    func ends(scenario: String) async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.overlay, scenario, in: scratch)
        let outcome = try await scratch.carrier(
            "lookup", "--json", "--bootstrap", address, Self.somebody, limit: .seconds(80))
        #expect(outcome.code == 1 || outcome.code == 3, "\(outcome)")
        #expect(outcome.records.allSatisfy { $0.type != "found" }, "\(outcome)")
        #expect(outcome.elapsed < .seconds(45), "\(outcome)")
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(end)")
    }

    @Test(
        "row 28: Sybils of one subnet get two places in a bucket and ten in all, and honest contacts stay",
        .enabled(if: ListeningNode.canBeAlone, "needs ip, nsenter and the right to a network of its own"))
    func subnet() async throws {
        let networks = ["198.51.100.1/24", "198.18.0.1/15", "203.0.113.1/24"]
        let node = try await ListeningNode([], on: "tcp://198.51.100.1:0", networks: networks)
        try await node.withstands(PythonPeer.attack(.overlay, "subnet", on: node))
        #expect(await node.end().code == -SIGTERM)
    }

    @Test(
        "in its table the node",
        arguments: [
            ("unbidden", "row 29: has nobody who never answered, however near"),
            ("full-bucket", "row 30: keeps the old contacts that live"),
        ])
    func table(scenario: String, what: String) async throws {
        let node = try await ListeningNode()
        _ = try await node.ping(1)
        try await node.withstands(PythonPeer.attack(.overlay, scenario, on: node))
        #expect(await node.end().code == -SIGTERM, "\(what)")
    }

    @Test("row 32: where every second node colludes, each honest one is found all the same")
    func colluders() async throws {
        let first = try await ListeningNode()
        var honest = [first]
        for _ in 0..<5 { honest.append(try await ListeningNode("--bootstrap", first.address)) }
        let before = try first.figures()
        let colluders = try PythonPeer.start(
            .overlay, ["server", "colluders"] + honest.map(\.address), in: first.scratch, limit: .seconds(90))
        let liar = try #require(await colluders.line(), "\(colluders.errors)")
        for node in honest {
            let id = String(node.address.dropFirst("tcp://".count).prefix(64))
            let outcome = try await first.scratch.carrier(
                "lookup", "--json", "--bootstrap", liar, "--bootstrap", honest[1].address, id, limit: .seconds(40))
            let found = outcome.records.filter { $0.type == "found" }.map { $0["public_key"]?.text }
            #expect(outcome.code == 0 && found == [id], "\(outcome)")
        }
        let (ping, slowest) = try await first.ping()
        #expect(ping.code == 0 && slowest < 1000, "\(slowest) ms, \(ping)")
        let end = await PythonPeer.end(colluders)
        #expect(end.code == 0, "\(end)")
        #expect(try first.figures().peak < before.peak + 32)
        for node in honest { #expect(await node.end().code == -SIGTERM) }
    }

    @Test("row 34: forged, altered, stale and doubled broadcasts are delivered never or once")
    func broadcasts() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.overlay, "broadcasts", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
        let texts = node.records.filter { $0.type == "broadcast" }.map { $0["text"]?.text }
        #expect(texts == ["good"])
    }

    @Test("row 34: a flood by one origin is cut to its rate, and an honest peer is answered")
    func flood() async throws {
        let node = try await ListeningNode()
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.overlay, "flood", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        let (ping, slowest) = try await node.ping()
        #expect(ping.code == 0 && slowest < 1000, "\(slowest) ms, \(ping)")
        #expect(try node.figures().peak < before.peak + 32)
        _ = await node.end()
        let count = node.records.count { $0.type == "broadcast" }
        #expect(count >= 100 && count < 250, "\(count) of 400 delivered")
    }
}
