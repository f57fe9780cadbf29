import Glibc
import Testing

extension LabTests {
    @Suite("nat-map --check-via")
    struct Check {
        private func checked(_ outcome: Outcome) -> JSONRecord? { outcome.records.first { $0.type == "checked" } }

        @Test(arguments: ["tcp", "udp"])
        func aPeerOutsideComesThrough(_ transport: String) async throws {
            try await Lab.with { lab in
                let wan = try await LabNode(lab, on: "wan", "tcp://44.128.0.1:4000")
                let via = try wan.address(at: "44.128.0.1")
                let outcome = try await lab.on(
                    "lan1", "carrier nat-map 4000/\(transport) --once --json --check-via \(via)")
                #expect(outcome.code == 0, "\(outcome)")
                #expect(checked(outcome)?["reachable"] == .bool(true))
                #expect(checked(outcome)?["address"]?.text == "\(transport)://44.128.0.11:4000")
                #expect(checked(outcome)?["observed_ip"]?.text == "44.128.0.11")
                #expect(checked(outcome)?["via"]?.text == via)
                _ = await wan.end()
            }
        }

        @Test func aFirewallBehindTheRouterIsFoundOut() async throws {
            try await Lab.with { lab in
                let wan = try await LabNode(lab, on: "wan", "tcp://44.128.0.1:4000")
                let via = try wan.address(at: "44.128.0.1")
                let drop =
                    "add table ip t; add chain ip t i { type filter hook input priority 0; }; "
                    + "add rule ip t i tcp dport 4000 drop"
                #expect(try await lab.on("lan1", "nft '\(drop)'").code == 0)
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once --json --check-via \(via)")
                #expect(outcome.code == 1, "\(outcome)")
                #expect(checked(outcome)?["reachable"] == .bool(false))
                #expect(outcome.errors.contains("not reachable"))
                _ = await wan.end()
            }
        }

        @Test func aSecondNATIsFoundOut() async throws {
            try await Lab.with("--cgnat") { lab in
                let wan = try await LabNode(lab, on: "wan", "tcp://100.64.0.1:4000")
                let outcome = try await lab.on(
                    "lan1",
                    "carrier nat-map 4000/tcp --once --json --check-via \(try wan.address(at: "100.64.0.1"))")
                #expect(outcome.code == 2, "\(outcome)")
                #expect(outcome.errors.contains("another NAT"))
                _ = await wan.end()
            }
        }

        @Test func aPeerOnTheSameSideRefuses() async throws {
            try await Lab.with { lab in
                let near = try await LabNode(lab, on: "lan1b", "tcp://192.168.101.11:4000")
                let via = try near.address(at: "192.168.101.11")
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once --check-via \(via)")
                #expect(outcome.code == 5, "\(outcome)")
                #expect(outcome.errors.contains("192.168.101.10"), "\(outcome)")
                #expect(outcome.output == "44.128.0.11:4000\n")
                _ = await near.end()
            }
        }

        @Test func withoutThatPeerNothingIsKnown() async throws {
            try await Lab.with { lab in
                let outcome = try await lab.on(
                    "lan1", "carrier nat-map 4000/tcp --once --check-via tcp://44.128.0.1:4000")
                #expect(outcome.code == 3, "\(outcome)")
                #expect(outcome.output == "44.128.0.11:4000\n")
            }
        }
    }
}
