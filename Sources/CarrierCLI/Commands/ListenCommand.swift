import ArgumentParser
import Carrier
import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore

/// `carrier listen`: a node that others can dial.
struct ListenCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Run a node: accept sessions, answer, print what arrives.",
        discussion: """
            Prints the addresses at which it can be dialled, then a line an event. With --pipe, stdin and stdout are the \
            byte stream of the first session and the addresses go to stderr; with --exec each session gets a child \
            process, with --echo its own bytes back. A child outlives its session as long as it reads something every \
            two seconds; then it is ended, and what it left unread is lost, which stderr says. Of those whose \
            sessions have ended 32 may go on; one more ends the oldest. A reader of stdout that stops holds back those \
            who send messages to be printed, and nobody else.

            Behind a router, --nat has it map the ports, and --relay asks a relay for a door where that does not help; \
            how the node can be reached is told on stderr. See carrier help reachability.
            """)
    static let exitCodes: [ExitCode] = [
        .ok, .unreachable, .lost, .deadline, .usage, .data, .noinput, .bug, .exists, .io, .perm,
    ]
    static let examples = [
        (line: "carrier listen --pipe | tar xf -", about: "Receive what carrier dial --send-only sends."),
        (
            line: "mkfifo ready; carrier listen --ready-file ready >events & read -r A <ready",
            about: "Wait without sleeping until the node listens."
        ),
        (
            line: "carrier listen --nat auto --relay tcp://203.0.113.7:4000",
            about: "Behind a router: map the port, or else use a door at that relay."
        ),
        (line: "carrier listen --exec 'grep --line-buffered error'", about: "A filter for each session."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions
    @OptionGroup(title: "Reachability options") var reach: ReachOptions

    @Flag(name: .long, help: "Make the first session's byte stream stdin and stdout, then exit.") var pipe = false
    @Option(
        name: .long,
        help: ArgumentHelp("Run a command, by /bin/sh -c, for each session's byte stream.", valueName: "command"))
    var exec: String?
    @Flag(name: .long, help: "Send each session's byte stream back.") var echo = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A message to print: N, N=NAME or N=NAME:CODEC; others are then refused. May be repeated.",
            valueName: "message"), transform: MessageArgument.parse)
    var opcode: [MessageArgument] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Let in these peers only; an id, or @FILE with one a line. May be repeated.", valueName: "id"),
        completion: KnownPeers.ids)
    var allow: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp("Turn away these peers; an id, or @FILE with one a line. May be repeated.", valueName: "id"),
        completion: KnownPeers.ids)
    var deny: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Inbound sessions at most; the limit of descriptors, children's too, is raised where they need it.",
            valueName: "n"))
    var maxPeers = 128
    @Option(
        name: .long,
        help: ArgumentHelp(
            "An address to tell others instead of the bound ones. May be repeated.", valueName: "address"),
        transform: AddressArgument.parse)
    var advertise: [Address] = []
    @Flag(name: .long, help: "Exit after the first session; as --count 1.") var once = false
    @Option(name: .long, help: ArgumentHelp("Exit after so many sessions.", valueName: "n")) var count: Int?
    @Option(
        name: .long, help: ArgumentHelp("Exit after this time.", valueName: "duration"),
        transform: DurationArgument.parse)
    var duration: DurationArgument?
    @Option(
        name: .long, help: ArgumentHelp("Exit after so long without a session.", valueName: "duration"),
        transform: DurationArgument.parse)
    var idle: DurationArgument?
    @Option(name: .long, help: ArgumentHelp("Write the addresses to this descriptor, then close it.", valueName: "n"))
    var readyFd: Int32?
    @Option(
        name: .long, help: ArgumentHelp("Write the addresses to this file or FIFO.", valueName: "path"),
        completion: .file())
    var readyFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Keep the routing table in this directory between runs.", valueName: "directory"),
        completion: .directory)
    var state: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Say this often, and once more at the end, what the node has counted and how much of its limits is in use; on a terminal, chart its traffic.",
            valueName: "duration"),
        transform: DurationArgument.parse)
    var stats: DurationArgument?
    @Argument(
        help: ArgumentHelp("Where to listen (default: tcp://[::]:0).", valueName: "address"),
        transform: AddressArgument.parse)
    var addresses: [Address] = []

    var endsWithRecord: Bool { !pipe }
    var readerPatience: Duration? { pipe ? Self.streamPatience : .zero }

    func validate() throws {
        if [pipe, exec != nil, echo].count(where: { $0 }) > 1 {
            throw ValidationError("--pipe, --exec and --echo exclude each other; keep one")
        }
        if (pipe || exec != nil || echo) && addresses.contains(where: { $0.scheme == .udp }) {
            throw ValidationError("udp:// has no byte stream: it may lose and reorder; listen on tcp:// or quic://")
        }
        if pipe && common.json { throw ValidationError("--json and --pipe both want stdout; leave one out") }
        if once && count != nil { throw ValidationError("--once is --count 1; leave one out") }
        if let count, count < 1 { throw ValidationError("--count expects at least 1, got \(count)") }
        if let stats, stats.duration < .milliseconds(10) {
            throw ValidationError("--stats expects at least 10ms, got \(stats.duration)")
        }
        if maxPeers < 1 { throw ValidationError("--max-peers expects at least 1, got \(maxPeers)") }
        for address in addresses where address.ip == nil {
            throw ValidationError("\(address): listen on an IP address of this machine, like tcp://0.0.0.0:4000")
        }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        var registered = MessageRegistry()
        for message in opcode {
            do { try registered.register(opcode: message.opcode, name: message.name, codec: message.codec) } catch {
                throw Failure(.usage, target: "--opcode", "\(error)")
            }
        }
        let registry = registered
        allowSessions(console)
        let access = try AccessList(allow: allow, deny: deny)
        let bootstrap = try session.bootstrapPeers()
        let outside = ListenReach(self, console)
        return try await withTaskCancellationHandler {
            let result: Result<ExitCode, any Error>
            do {
                result = .success(
                    try await run(console, bootstrap, outside) { configuration in
                        configuration.messages = registry
                        configuration.admit = { access.verdict(on: $0.peer) }
                    })
            } catch {
                result = .failure(error)
            }
            await outside.end()
            return try result.get()
        } onCancel: {
            // At once, also while the node is still on its way up: what the router has mapped must go.
            Task { await outside.end() }
        }
    }

    /// Descriptors that a session takes: its socket; with a child also pipes to and from it, and what wakes their threads.
    private var descriptorsOfSession: Int { exec == nil ? 1 : 8 }
    /// Descriptors for everything else: sessions that the node dials, handshakes that are under way, sockets, files.
    private static let otherDescriptors = 512

    /// Sees to it that there are descriptors for as many sessions as are let in.
    private func allowSessions(_ console: Console) {
        let relay = RelayServer.Configuration()
        let circuits = reach.relayForOthers ? relay.doors * (1 + relay.circuits) : 0
        // Whatever is asked for, the product is a number.
        let wanted = min(maxPeers, 1 << 24) * descriptorsOfSession + circuits + Self.otherDescriptors
        let allowed = Descriptors.allow(wanted)
        guard allowed < wanted else { return }
        console.diagnostics.warning(
            """
            --max-peers \(maxPeers) takes \(wanted) descriptors, the system allows \(allowed); peers beyond that wait: raise the \
            hard limit (ulimit -Hn), or let in fewer
            """)
    }

    private func run(
        _ console: Console, _ bootstrap: [Address], _ outside: ListenReach,
        configure: (inout NodeConfiguration) -> Void
    ) async throws -> ExitCode {
        try await session.withNode(console, bootstrap: bootstrap) { configuration in
            configuration.limits.connections.inbound = maxPeers
            // --connect-timeout is for dials; who dials us has the protocol's time.
            configuration.limits.handshake.deadline = Limits().handshake.deadline
            configuration.takesByteStreams = pipe || echo || exec != nil
            configuration.acceptsUnregistered = opcode.isEmpty
            configuration.relay = reach.relayForOthers ? RelayServer.Configuration() : nil
            configuration.relays = reach.relay
            configure(&configuration)
        } prepare: { node in
            let bound = try await bind(node)
            try announce(await outside.begin(node, bound: bound), node, console)
            await outside.announced()
            try await contacts(node, console)?.restore()
        } _: { node in
            let contacts = contacts(node, console)
            let settling = StartUpCode.leave(node.loop)
            defer { settling.cancel() }
            return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
                defer { group.cancelAll() }
                if let contacts { group.addTask { try await contacts.keepSaving() } }
                group.addTask(executorPreference: node.executor) {
                    try await ListenRun(self, node, outside, console).run()
                }
                var code: ExitCode?
                while code == nil, let next = try await group.next() { code = next }
                try await contacts?.save()
                return code ?? .ok
            }
        }
    }

    private func contacts(_ node: Node, _ console: Console) -> ContactsFile? {
        state.map { ContactsFile(directory: $0, node, console) }
    }

    /// The addresses that the most peers can use. Others are left out: a record is told as a whole or not at all, and never to
    /// peers for whom one of its addresses means another machine.
    static func farthestReaching(_ addresses: [Address]) -> [Address] {
        let order: [IPAddress.Scope] = [.global, .privateNetwork, .linkLocal, .loopback]
        for scope in order {
            // A name may lead anywhere; it counts as public.
            let found = addresses.filter { ($0.ip?.scope ?? .global) == scope }
            if !found.isEmpty { return found }
        }
        return []
    }

    /// Listens on all addresses; the default one falls back to IPv4 where there is no IPv6.
    private func bind(_ node: Node) async throws -> [Address] {
        var bound: [Address] = []
        for address in addresses { bound += LocalAddresses.dialable(try await node.listen(on: address)) }
        if addresses.isEmpty {
            let four = Address(scheme: .tcp, host: "0.0.0.0", port: 0)
            let six = Address(scheme: .tcp, host: "::", port: 0)
            do {
                bound = LocalAddresses.dialable(try await node.listen(on: session.onlyIPv4 ? four : six))
            } catch LinkError.cannotBind where !session.onlyIPv6 {
                bound = LocalAddresses.dialable(try await node.listen(on: four))
            }
        }
        return bound
    }

    private func announce(_ addresses: [Address], _ node: Node, _ console: Console) throws {
        if pipe {
            for address in addresses { console.diagnostics.note("listening on \(address)") }
        } else {
            // Who is told below that the node is ready finds the addresses on stdout; from then on nobody waits for a reader.
            console.output.emit(ReadyRecord(publicKey: node.id, addresses: addresses))
            console.output.writeOnThread()
        }
        let lines = addresses.map { "\($0)\n" }.joined()
        if let readyFd { try Readiness.write(lines, to: readyFd) }
        if let readyFile { try Readiness.write(lines, to: readyFile, console) }
        Readiness.notifyService()
    }
}
