import Glibc
import Testing

extension LabTests {
    @Suite("Row 35: nat-map and real routers")
    struct NATMap {
        /// What the first record of a kind says.
        static func record(_ type: String, of child: Child) async -> JSONRecord? {
            await child.line { JSONRecord(String($0))?.type == type }.flatMap { JSONRecord($0) }
        }

        @Test func natPMPMapsAtOnceAndLeavesTheMapping() async throws {
            try await Lab.with("--no-upnp") { lab in
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once")
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output == "44.128.0.11:4000\n")
                #expect(outcome.elapsed < .milliseconds(1500))
                #expect(try await lab.mappings().count == 1)
                let probe = try await lab.on("lan1", "carrier nat-map")
                #expect(probe.lines == ["192.168.101.1 natpmp 44.128.0.11"])
            }
        }

        @Test(arguments: ["", "--silent"])
        func upnpMapsWhereNATPMPIsRefusedOrSilent(_ silent: String) async throws {
            try await Lab.with("--no-natpmp \(silent)") { lab in
                let outcome = try await lab.on("lan1", "carrier nat-map 4000:4100/udp --once --json")
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.elapsed < .seconds(3))
                let mapped = outcome.lines.compactMap { JSONRecord($0) }.first { $0.type == "mapped" }
                #expect(mapped?["protocol"]?.text == "upnp")
                #expect(mapped?["external"]?.text == "44.128.0.11:4100")
                #expect(mapped?["internal"]?.text == "192.168.101.10:4000")
                #expect(mapped?["lease_s"]?.number == 3600)
            }
        }

        @Test func bothAreShownAndTheFasterWins() async throws {
            try await Lab.with { lab in
                let probe = try await lab.on("lan1", "carrier nat-map --json")
                let gateways = probe.lines.compactMap { JSONRecord($0) }.filter { $0.type == "gateway" }
                #expect(gateways.map { $0["protocol"]?.text } == ["natpmp", "upnp"])
                #expect(gateways.allSatisfy { $0["external_ip"]?.text == "44.128.0.11" })
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once")
                #expect(outcome.code == 0)
                #expect(outcome.elapsed < .milliseconds(1500))
            }
        }

        @Test func theSessionsOfTheREADMEPrintWhatTheyShow() async throws {
            try await Lab.with { lab in
                let outcome = try await Scratch().shell(
                    """
                    CARRIER="$(command -v carrier)" PLACE=lab RUNNER='\(lab.runner(on: "lan1"))' \
                      '\(Scratch.package)/Scripts/transcripts'
                    """)
                #expect(outcome.code == 0, "\(outcome)")
            }
        }

        @Test(arguments: ["", "--silent"])
        func withoutAGatewayItEndsSoon(_ silent: String) async throws {
            try await Lab.with("--no-gateway \(silent)") { lab in
                for command in ["carrier nat-map 4000/tcp --once", "carrier nat-map"] {
                    let outcome = try await lab.on("lan1", command)
                    #expect(outcome.code == 3, "\(outcome)")
                    #expect(outcome.elapsed < .seconds(5))
                    #expect(outcome.errors.contains("no gateway"))
                    #expect(
                        outcome.errors.contains(silent.isEmpty ? "does not offer natpmp" : "does not answer natpmp"))
                }
            }
        }

        @Test func withoutARouteItEndsAtOnce() async throws {
            try await Lab.with("--no-gateway") { lab in
                _ = try await lab.on("lan1", "ip route del default")
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once")
                #expect(outcome.code == 3, "\(outcome)")
                #expect(outcome.elapsed < .seconds(1))
                #expect(outcome.errors.contains("no default route"))
            }
        }

        @Test func aRefusalHasCodeAndName() async throws {
            try await Lab.with("--deny") { lab in
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once")
                #expect(outcome.code == 5, "\(outcome)")
                #expect(outcome.errors.contains("606 ActionNotAuthorized"))
                #expect(outcome.errors.contains("2 NotAuthorized"))
            }
        }

        @Test func aSecondNATIsSaid() async throws {
            try await Lab.with("--cgnat") { lab in
                let outcome = try await lab.on("lan1", "carrier nat-map 4000/tcp --once")
                #expect(outcome.code == 2, "\(outcome)")
                #expect(outcome.errors.contains("another NAT"))
                let probe = try await lab.on("lan1", "carrier nat-map --json")
                let gateways = probe.lines.compactMap { JSONRecord($0) }.filter { $0.type == "gateway" }
                #expect(gateways.count == 2)
                #expect(gateways.allSatisfy { $0["external_is_public"] == .bool(false) })
            }
        }

        @Test func twoHostsThatWantOnePortAndAPrivilegedPort() async throws {
            try await Lab.with { lab in
                #expect(try await lab.on("lan1", "carrier nat-map 4000/tcp --once --protocol upnp").code == 0)
                let conflict = try await lab.on("lan1b", "carrier nat-map 4000/tcp --once --protocol upnp")
                #expect(conflict.code == 5, "\(conflict)")
                #expect(conflict.errors.contains("718 ConflictInMappingEntry"))
                #expect(conflict.errors.contains("192.168.101.10"))
                let other = try await lab.on("lan1b", "carrier nat-map 4000/tcp --once --protocol natpmp")
                #expect(other.code == 0, "\(other)")
                #expect(other.output == "44.128.0.11:4001\n")
                #expect(other.errors.contains("granted external port 4001"))
                // Nobody removes what is another's.
                let release = try await lab.on("lan1b", "carrier nat-map 4000/tcp --release --protocol upnp")
                #expect(release.code == 5, "\(release)")
                #expect(try await lab.mappings().count == 2)
                let low = try await lab.on("lan1", "carrier nat-map 80/tcp --once --protocol upnp")
                #expect(low.code == 5)
                #expect(low.errors.contains("below 1024"))
            }
        }

        @Test func severalPortsOfWhichSomeAreGrantedArePartial() async throws {
            try await Lab.with("--no-natpmp") { lab in
                let outcome = try await lab.on("lan1", "carrier nat-map 80/tcp 4000/tcp --once")
                #expect(outcome.code == 2, "\(outcome)")
                #expect(outcome.output == "44.128.0.11:4000\n")
                #expect(outcome.errors.contains("606"))
            }
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGHUP], ["natpmp", "upnp"])
        func aConnectionComesInUntilASignalRemovesTheMapping(_ signal: Int32, _ how: String) async throws {
            try await Lab.with { lab in
                let holder = try lab.start("lan1", "carrier nat-map 4000/tcp --json --protocol \(how)")
                let mapped = await Self.record("mapped", of: holder)
                #expect(mapped?["external"]?.text == "44.128.0.11:4000")
                let server = try lab.start(
                    "lan1",
                    "python3 -c 'import socket;s=socket.create_server((\"\",4000));print(1,flush=True);c=s.accept()[0];c.sendall(b\"hello\")'"
                )
                _ = await server.line()
                let client = try await lab.on(
                    "wan",
                    "python3 -c 'import socket;print(socket.create_connection((\"44.128.0.11\",4000),5).recv(9).decode())'"
                )
                #expect(client.output == "hello\n", "\(client)")
                let start = ContinuousClock.now
                holder.send(signal)
                let outcome = await holder.outcome()
                #expect(start.duration(to: .now) < .seconds(2))
                #expect(outcome.code == -signal, "\(outcome)")
                #expect(outcome.lines.compactMap { JSONRecord($0)?.type } == ["gateway", "mapped", "released", "end"])
                #expect(try await lab.mappings().isEmpty)
            }
        }

        @Test func aGoneReaderRemovesTheMapping() async throws {
            try await Lab.with { lab in
                let outcome = try await lab.on("lan1", "bash -o pipefail -c 'carrier nat-map 4000/tcp | head -n 1'")
                #expect(outcome.output == "44.128.0.11:4000\n")
                #expect(outcome.code == 141, "\(outcome)")
                #expect(try await lab.mappings().isEmpty)
            }
        }

        @Test(arguments: ["natpmp", "upnp"])
        func aShortLeaseIsRenewedAndEndsWithItsHolder(_ how: String) async throws {
            try await Lab.with { lab in
                let holder = try lab.start("lan1", "carrier nat-map 4000/tcp --lease 4s --json --protocol \(how)")
                #expect(await Self.record("mapped", of: holder)?["lease_s"]?.number == 4)
                try await Task.sleep(for: .seconds(9))
                #expect(try await lab.mappings().count == 1)
                #expect(!holder.output.contains("lost"))
                // Nobody can clean up after this: the router does.
                holder.send(SIGKILL)
                #expect(try await lab.settles(at: 0, within: .seconds(15)))
            }
        }

        @Test func releaseAndListShowWhatTheRouterHas() async throws {
            try await Lab.with { lab in
                #expect(try await lab.on("lan1", "carrier nat-map 4000/tcp --once --protocol upnp").code == 0)
                #expect(try await lab.on("lan1", "carrier nat-map 4001/udp --once --protocol natpmp").code == 0)
                let list = try await lab.on("lan1", "carrier nat-map --list")
                #expect(list.lines.contains { $0.hasPrefix("44.128.0.11:4000 192.168.101.10:4000 tcp ") }, "\(list)")
                #expect(list.lines.contains { $0.hasPrefix("44.128.0.11:4001 192.168.101.10:4001 udp ") }, "\(list)")
                #expect(try await lab.on("lan1", "carrier nat-map 4000/tcp 4001/udp --release").code == 0)
                #expect(try await lab.mappings().isEmpty)
                #expect(try await lab.on("lan1", "carrier nat-map 4000/tcp --release").code == 0)
            }
        }

        @Test(arguments: ["natpmp", "upnp"])
        func aRouterThatIsKilledAndComesBackMapsAgain(_ how: String) async throws {
            try await Lab.with { lab in
                let holder = try lab.start(
                    "lan1", "carrier nat-map 4000/tcp --json --protocol \(how)", limit: .seconds(90))
                _ = await Self.record("mapped", of: holder)
                // An epoch that is older than its doubt: a restart in the router's first seconds cannot be seen.
                try await Task.sleep(for: .seconds(5))
                let state = "/run/carrier-nat-lab/r1"
                let restart = """
                    bash -c 'kill -9 $(cat \(state).pid); sleep 1; nft flush chain inet nat_lab prerouting_miniupnpd; \
                    : >\(state).leases; rm -f \(state).pid; \
                    setsid miniupnpd -f \(state).conf -P \(state).pid </dev/null >/dev/null 2>&1'
                    """
                let restarted = try await lab.on("r1", restart)
                #expect(restarted.code == 0, "\(restarted)")
                #expect(try await lab.mappings().isEmpty)
                #expect(try await lab.settles(at: 1, within: .seconds(40)))
                let again = await holder.line { $0.contains("\"restart\"") || $0.contains("\"lost\"") }
                #expect(again != nil, "\(holder.output)")
                holder.send(SIGTERM)
                #expect(await holder.outcome().code == -SIGTERM)
                #expect(try await lab.mappings().isEmpty)
            }
        }
    }
}
