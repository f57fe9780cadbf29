import ArgumentParser
import CarrierNAT
import CarrierWire

/// `carrier nat-map`: finds routers and has them map ports.
struct NATMapCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat-map",
        abstract: "Have the router map ports to this machine.",
        discussion: """
            Without PORT: shows the gateways, what they speak and their external addresses. With PORT: maps it, prints \
            EXTERNAL_IP:PORT, stays, renews the mapping at half its lease, and removes it at the end. NAT-PMP and UPnP \
            are tried side by side; the first good answer wins.

            A router whose own address is private stands behind another NAT: that is a warning, and exit code 2 \
            with --once.

            With --check-via the command listens on the mapped ports for a moment and asks a peer outside to dial them: \
            with --once, exit code 1 says that nobody came through.
            """)

    static let exitCodes: [ExitCode] = [
        .ok, .negative, .partial, .unreachable, .auth, .refused, .lost, .deadline, .usage, .data, .noinput, .bug, .io,
        .perm,
    ]
    static let examples = [
        (line: "carrier nat-map", about: "Is there a router that maps ports?"),
        (line: "carrier nat-map 4000/tcp 4000/udp", about: "Map two ports for as long as the command runs."),
        (line: "carrier nat-map 4000:8000/tcp --once --lease 10m", about: "Map for ten minutes and leave."),
        (
            line: "carrier nat-map 4000/tcp --once --check-via tcp://203.0.113.7:4000",
            about: "Map, and ask a peer out there whether it comes through."
        ),
        (line: "carrier nat-map --list", about: "Show the router's table."),
    ]

    enum ProtocolChoice: String, ExpressibleByArgument, CaseIterable, Sendable { case auto, upnp, natpmp }

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options, for --check-via") var session: SessionOptions

    @Argument(
        help: ArgumentHelp("PORT[:EXTERNAL][/tcp|/udp], TCP by default.", valueName: "port"),
        transform: PortArgument.parse)
    var ports: [PortArgument] = []

    @Option(name: .customLong("protocol"), help: "How to ask the router.")
    var protocolChoice = ProtocolChoice.auto

    @Option(
        name: .long, help: ArgumentHelp("Ask for so long a lease, at most 7d (default: 1h).", valueName: "duration"),
        transform: DurationArgument.parse)
    var lease = DurationArgument(.seconds(3600))

    @Flag(name: .long, help: "Map and leave: the mapping ends with its lease.")
    var once = false

    @Flag(name: .long, help: "Remove the mappings of these ports.")
    var release = false

    @Flag(name: .long, help: "Print the router's table (UPnP).")
    var list = false

    @Option(
        name: .long, help: ArgumentHelp("Ask this router, not the default route's.", valueName: "ip"),
        transform: Self.gateway)
    var gateway: IPAddress?

    @Option(
        name: .long, help: ArgumentHelp("Ask this peer to dial the mapping, from outside.", valueName: "address"),
        completion: KnownPeers.addresses, transform: AddressArgument.parse)
    var checkVia: Address?

    private static func gateway(_ text: String) throws(ArgumentProblem) -> IPAddress {
        guard case .v4(let bits)? = IPAddress(text), bits != 0 else {
            throw ArgumentProblem("expected a router's IPv4 address, like 192.168.1.1")
        }
        return .v4(bits)
    }

    func validate() throws {
        if ports.isEmpty && (once || release) {
            throw ValidationError("\(once ? "--once" : "--release") needs a PORT, like 4000/tcp")
        }
        if checkVia != nil && (ports.isEmpty || release) {
            throw ValidationError("--check-via checks a mapping: it needs a PORT and no --release")
        }
        if once && release { throw ValidationError("--once and --release exclude each other; leave one out") }
        if list && !ports.isEmpty { throw ValidationError("--list shows every port; leave the PORT out") }
        if list && protocolChoice == .natpmp { throw ValidationError("NAT-PMP cannot list; leave --protocol out") }
        if lease.duration < .seconds(1) || lease.duration > .seconds(604_800) {
            throw ValidationError("--lease expects 1s to 7d, got \(lease)")
        }
        for (index, port) in ports.enumerated() {
            if ports[..<index].contains(where: {
                $0.transport == port.transport
                    && ($0.externalPort == port.externalPort || $0.internalPort == port.internalPort)
            }) {
                throw ValidationError("\(port) is there twice; leave one out")
            }
        }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        if list { return try await NATTable(mappers, console).list() }
        if release { return try await NATTable(mappers, console).release(ports) }
        if ports.isEmpty { return try await NATTable(mappers, console).probe() }
        let check = checkVia.map { NATCheck(via: $0, session, console) }
        return await NATHolding(requests, mappers, once: once, check: check, console).run()
    }

    private var requests: [PortRequest] {
        ports.map {
            PortRequest($0.transport, $0.internalPort, externalPort: $0.externalPort, lease: lease.duration)
        }
    }

    private var mappers: [any PortMapper] {
        (NATChoice(rawValue: protocolChoice.rawValue) ?? .auto).mappers(gateway: gateway)
    }
}
