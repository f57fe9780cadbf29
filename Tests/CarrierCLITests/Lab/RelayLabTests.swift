import Glibc
import Testing

extension LabTests {
    @Suite("Relays")
    struct Relays {
        @Test func aHundredMegabytesBetweenTwoHostsThatCannotDialEachOther() async throws {
            try await Lab.with("--no-gateway --nat symmetric") { lab in
                let relay = try await LabNode(
                    lab, on: "wan", "tcp://44.128.0.1:4000 --relay-for-others", limit: .seconds(120))
                let address = try relay.address(at: "44.128.0.1")
                let sent = try lab.file("sent", "")
                let received = try lab.file("received", "")
                let ready = try lab.file("ready", "")
                _ = try await lab.on("lan1", "bash -c 'head -c 100000000 /dev/urandom >\(sent)'")
                let node = try lab.start(
                    "lan1",
                    "bash -c 'carrier listen tcp://0.0.0.0:0 --pipe --relay \(address) --ready-file \(ready) >\(received)'",
                    limit: .seconds(120))
                _ = await node.errorLine(containing: "holds a door open")
                let door = try await lab.on("lan1", "grep -m 1 @44.128.0.1: \(ready)").lines.first ?? "?"
                let dial = try await lab.on(
                    "lan2", "bash -c 'carrier dial --send-only \(door) <\(sent)'", limit: .seconds(100))
                #expect(dial.code == 0, "\(dial)")
                #expect(await node.outcome().code == 0, "\(node.errors)")
                #expect(try await lab.on("lan1", "cmp \(sent) \(received)").code == 0)
                _ = await relay.end()
            }
        }

        @Test func theNetworkFindsTheDoorAlsoAfterTheRelayCameBack() async throws {
            try await Lab.with("--no-gateway --nat symmetric") { lab in
                _ = try await lab.on("wan", "carrier keygen -o relay.pem")
                let options = "tcp://44.128.0.1:4000 --relay-for-others --identity relay.pem"
                var relay = try await LabNode(lab, on: "wan", options, limit: .seconds(120))
                let address = try relay.address(at: "44.128.0.1")
                let node = try await LabNode(
                    lab, on: "lan1", "tcp://0.0.0.0:4000 --relay \(address) --bootstrap \(address)",
                    limit: .seconds(120))
                let door = try node.address(at: "44.128.0.1")
                #expect(try await lab.on("lan2", "carrier ping -c 1 \(door)").code == 0)
                #expect(try await lab.on("lan2", "carrier lookup --bootstrap \(address) \(node.id)").lines == [door])

                #expect(await relay.end(SIGKILL).code == -SIGKILL)
                #expect(await node.record("door") { $0["event"]?.text == "closed" } != nil)
                // Long enough for a try in vain.
                try await Task.sleep(for: .seconds(2))
                relay = try await LabNode(lab, on: "wan", options, limit: .seconds(60))
                let open = await node.record("door") { record in
                    record["event"]?.text == "open"
                        && record["address"]?.text != door.replacing("\(node.id)@", with: "")
                }
                let anew = try #require(open?["address"]?.text, "\(node.child.output)")
                    .replacing("tcp://", with: "tcp://\(node.id)@")
                #expect(try await lab.on("lan2", "carrier ping -c 1 \(anew)").code == 0)
                let deadline = ContinuousClock.now + .seconds(15)
                var found: [String] = []
                while found != [anew], ContinuousClock.now < deadline {
                    found = try await lab.on("lan2", "carrier lookup --bootstrap \(address) \(node.id)").lines
                }
                #expect(found == [anew])
                _ = (await node.end(), await relay.end())
            }
        }

        @Test func noDoorIsAskedForWhereTheMappingWorks() async throws {
            try await Lab.with { lab in
                let relay = try await LabNode(lab, on: "wan", "tcp://44.128.0.1:4000 --relay-for-others")
                let address = try relay.address(at: "44.128.0.1")
                let node = try await LabNode(lab, on: "lan1", "tcp://0.0.0.0:4000 --nat auto --relay \(address)")
                #expect(!node.addresses.contains { $0.contains("@44.128.0.1:") }, "\(node.addresses)")
                let said = await node.record("door")
                #expect(said?["event"]?.text == "not-needed")
                #expect(said?["address"]?.text == "tcp://44.128.0.11:4000")
                _ = (await node.end(), await relay.end())
            }
        }
    }
}
