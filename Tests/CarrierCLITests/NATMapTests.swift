import CarrierNAT
import Testing

@testable import CarrierCLI

@Suite("nat-map's arguments")
struct NATMapTests {
    @Test(arguments: [
        ("4000", PortTransport.tcp, UInt16(4000), UInt16(4000)), ("4000/udp", .udp, 4000, 4000),
        ("4000:8000/TCP", .tcp, 4000, 8000), ("1:65535", .tcp, 1, 65535),
    ])
    func aPortSaysWhatToMap(_ text: String, _ transport: PortTransport, _ inner: UInt16, _ outer: UInt16) throws {
        #expect(
            try PortArgument.parse(text)
                == PortArgument(transport: transport, internalPort: inner, externalPort: outer))
    }

    @Test(arguments: [
        "", "0", "65536", "-1", "+1", "4000/", "4000/sctp", "4000:", ":4000", "1:2:3", "4000/tcp/udp", "٤",
    ])
    func anythingElseIsRefused(_ text: String) {
        #expect(throws: ArgumentProblem.self) { try PortArgument.parse(text) }
    }

    @Test(arguments: [
        "--once", "--release", "4000 --once --release", "4000 --list", "--list --protocol natpmp", "4000 --lease 0s",
        "4000 --lease 8d", "4000 --lease 5", "4000 --gateway router", "4000 --gateway ::1", "4000 4000/tcp",
        "4000:1 5000:1", "70000", "4000 --protocol pcp",
    ])
    func whatMakesNoSenseIsAUsageError(_ arguments: String) async throws {
        let outcome = try await Scratch().shell("carrier nat-map \(arguments)")
        #expect(outcome.code == 64, "\(outcome)")
        #expect(outcome.output.isEmpty)
        #expect(!outcome.errors.isEmpty)
    }
}
