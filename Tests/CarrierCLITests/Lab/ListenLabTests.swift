import Glibc
import Testing

extension LabTests {
    @Suite("listen --nat")
    struct Listen {
        @Test(arguments: ["", "--no-upnp", "--no-natpmp", "--no-natpmp --silent"])
        func aSessionComesInThroughTheMappingAndTheNetworkFindsTheWay(_ routers: String) async throws {
            try await Lab.with(routers) { lab in
                let wan = try await LabNode(lab, on: "wan", "tcp://44.128.0.1:4000")
                let bootstrap = try wan.address(at: "44.128.0.1")
                let node = try await LabNode(
                    lab, on: "lan1", "tcp://0.0.0.0:4000 --nat auto --echo --bootstrap \(bootstrap)")
                let outside = try node.address(at: "44.128.0.11")
                #expect(outside.hasSuffix(":4000"))
                // A peer that the node dialled dials it back, beside the connection that stands.
                let reachable = await node.record("reachable")
                #expect(reachable?["reachable"] == .bool(true), "\(node.child.output)")
                #expect(reachable?["via"]?.text == wan.id)
                let ping = try await lab.on("wan", "carrier ping -c 2 \(outside)")
                #expect(ping.code == 0, "\(ping)")
                let echo = try await lab.on("wan", "bash -c 'echo hello | carrier dial \(outside)'")
                #expect(echo.output == "hello\n", "\(echo)")
                let lookup = try await lab.on("lan2", "carrier lookup --bootstrap \(bootstrap) \(node.id)")
                #expect(lookup.lines == [outside], "\(lookup)")
                #expect(!node.child.output.contains("\"down\"") || !node.child.output.contains("duplicate"))
                let end = await node.end()
                #expect(end.code == -SIGTERM)
                #expect(end.records.contains { $0.type == "released" }, "\(end)")
                #expect(end.elapsed < .seconds(40))
                #expect(try await lab.mappings().isEmpty)
                _ = await wan.end()
            }
        }

        @Test(arguments: [SIGINT, SIGHUP])
        func aSignalRemovesTheMapping(_ signal: Int32) async throws {
            try await Lab.with { lab in
                let node = try await LabNode(lab, on: "lan1", "tcp://0.0.0.0:4000 quic://0.0.0.0:4001 --nat auto")
                #expect(try await lab.mappings().count == 2)
                #expect(node.addresses.contains { $0.hasPrefix("quic://") && $0.hasSuffix("@44.128.0.11:4001") })
                let start = ContinuousClock.now
                #expect(await node.end(signal).code == -signal)
                #expect(start.duration(to: .now) < .seconds(2))
                #expect(try await lab.mappings().isEmpty)
            }
        }

        @Test func aGoneReaderRemovesTheMapping() async throws {
            try await Lab.with { lab in
                let outcome = try await lab.on(
                    "lan1", "bash -o pipefail -c 'carrier listen tcp://0.0.0.0:4000 --nat auto | head -n 1'")
                #expect(outcome.code == 141, "\(outcome)")
                #expect(outcome.errors.contains("44.128.0.11:4000/tcp removed"), "\(outcome)")
                #expect(try await lab.mappings().isEmpty)
            }
        }

        @Test func twoNodesThatWantOnePortAreBothReachable() async throws {
            try await Lab.with("--no-natpmp") { lab in
                let first = try await LabNode(lab, on: "lan1", "tcp://0.0.0.0:4000 --nat upnp")
                let second = try await LabNode(lab, on: "lan1b", "tcp://0.0.0.0:4000 --nat upnp")
                let addresses = [try first.address(at: "44.128.0.11"), try second.address(at: "44.128.0.11")]
                for address in addresses {
                    #expect(try await lab.on("wan", "carrier ping -c 1 \(address)").code == 0)
                }
                _ = (await first.end(), await second.end())
                #expect(try await lab.mappings().isEmpty)
            }
        }

        @Test func withoutARouterThatMapsItListensAllTheSame() async throws {
            try await Lab.with("--no-gateway") { lab in
                let node = try await LabNode(lab, on: "lan1", "tcp://0.0.0.0:4000 --nat auto")
                #expect(node.child.errors.contains("not mapped"), "\(node.child.errors)")
                let near = try node.address(at: "192.168.101.10")
                #expect(try await lab.on("lan1b", "carrier ping -c 1 \(near)").code == 0)
                _ = await node.end()
            }
        }

        @Test func aMappingThatMovesIsPublishedAnew() async throws {
            try await Lab.with("--no-upnp") { lab in
                let wan = try await LabNode(lab, on: "wan", "tcp://44.128.0.1:4000", limit: .seconds(120))
                let bootstrap = try wan.address(at: "44.128.0.1")
                let node = try await LabNode(
                    lab, on: "lan1", "tcp://0.0.0.0:4000 --nat auto --bootstrap \(bootstrap)", limit: .seconds(120))
                _ = try node.address(at: "44.128.0.11")
                try await Task.sleep(for: .seconds(5))
                // The router forgets, and the neighbour is faster.
                let state = "/run/carrier-nat-lab/r1"
                let restarted = try await lab.on(
                    "r1",
                    """
                    bash -c 'kill -9 $(cat \(state).pid); sleep 1; nft flush chain inet nat_lab prerouting_miniupnpd; \
                    : >\(state).leases; rm -f \(state).pid; \
                    setsid miniupnpd -f \(state).conf -P \(state).pid </dev/null >/dev/null 2>&1'
                    """)
                #expect(restarted.code == 0, "\(restarted)")
                #expect(try await lab.on("lan1b", "carrier nat-map 4000/tcp --once").code == 0)
                let published = await node.record("published") { $0.line.contains("@44.128.0.11:") }
                let moved = published?["addresses"]?.array?.compactMap(\.text).first ?? "?"
                #expect(moved.contains("@44.128.0.11:") && !moved.hasSuffix(":4000"), "\(node.child.output)")
                #expect(try await lab.on("wan", "carrier ping -c 1 \(moved)").code == 0)
                // The connection of before stands, and the network knows the new way.
                let deadline = ContinuousClock.now + .seconds(10)
                var found: [String] = []
                while found != [moved], ContinuousClock.now < deadline {
                    found = try await lab.on("lan2", "carrier lookup --bootstrap \(bootstrap) \(node.id)").lines
                }
                #expect(found == [moved])
                _ = (await node.end(), await wan.end())
            }
        }

        @Test func behindASecondNATNothingIsPublishedThatDoesNotWork() async throws {
            try await Lab.with("--cgnat") { lab in
                let node = try await LabNode(lab, on: "lan1", "tcp://0.0.0.0:4000 --nat auto")
                #expect(node.child.errors.contains("another NAT"), "\(node.child.errors)")
                #expect(!node.addresses.contains { $0.contains("@44.") || $0.contains("@100.") }, "\(node.addresses)")
                _ = await node.end()
            }
        }
    }
}
