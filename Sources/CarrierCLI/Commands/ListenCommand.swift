import ArgumentParser
import Carrier
import CarrierCrypto
import CarrierTransport
import CarrierWire

/// `carrier listen`: a node that others can dial.
struct ListenCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Run a node: accept sessions, answer, print what arrives.",
        discussion: """
            Prints the addresses at which it can be dialled, then a line an event. With --pipe, stdin and stdout are the \
            byte stream of the first session and the addresses go to stderr; with --exec each session gets a child \
            process, with --echo its own bytes back.
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
        (line: "carrier listen --exec 'grep --line-buffered error'", about: "A filter for each session."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions

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
            "Let in these peers only; an id, or @FILE with one a line. May be repeated.", valueName: "id"))
    var allow: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp("Turn away these peers; an id, or @FILE with one a line. May be repeated.", valueName: "id"))
    var deny: [String] = []
    @Option(name: .long, help: ArgumentHelp("Inbound sessions at most.", valueName: "n")) var maxPeers = 128
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
    @Argument(
        help: ArgumentHelp("Where to listen (default: tcp://[::]:0).", valueName: "address"),
        transform: AddressArgument.parse)
    var addresses: [Address] = []

    var endsWithRecord: Bool { !pipe }

    func validate() throws {
        if [pipe, exec != nil, echo].count(where: { $0 }) > 1 {
            throw ValidationError("--pipe, --exec and --echo exclude each other; keep one")
        }
        if pipe && common.json { throw ValidationError("--json and --pipe both want stdout; leave one out") }
        if once && count != nil { throw ValidationError("--once is --count 1; leave one out") }
        if let count, count < 1 { throw ValidationError("--count expects at least 1, got \(count)") }
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
        let access = try AccessList(allow: allow, deny: deny)
        let bootstrap = try session.bootstrapPeers()
        return try await session.withNode(console, bootstrap: bootstrap) { configuration in
            configuration.limits.connections.inbound = maxPeers
            // --connect-timeout is for dials; who dials us has the protocol's time.
            configuration.limits.handshake.deadline = Limits().handshake.deadline
            configuration.takesByteStreams = pipe || echo || exec != nil
            configuration.acceptsUnregistered = opcode.isEmpty
            configuration.messages = registry
            configuration.admit = { access.verdict(on: $0.peer) }
        } prepare: { node in
            let bound = try await bind(node)
            await node.publish(advertise.isEmpty ? Self.farthestReaching(bound) : advertise)
            let dialable = (advertise.isEmpty ? bound : advertise).map { $0.pinned(to: node.id) }
            try announce(dialable, node, console)
            try await contacts(node, console)?.restore()
        } _: { node in
            let contacts = contacts(node, console)
            return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
                defer { group.cancelAll() }
                if let contacts { group.addTask { try await contacts.keepSaving() } }
                group.addTask(executorPreference: node.executor) { try await ListenRun(self, node, console).run() }
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
    private static func farthestReaching(_ addresses: [Address]) -> [Address] {
        let order: [IPAddress.Scope] = [.global, .privateNetwork, .linkLocal, .loopback]
        for scope in order {
            let found = addresses.filter { $0.ip?.scope == scope }
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
            console.output.emit(ReadyRecord(publicKey: node.id, addresses: addresses))
        }
        let lines = addresses.map { "\($0)\n" }.joined()
        if let readyFd { try Readiness.write(lines, to: readyFd) }
        if let readyFile { try Readiness.write(lines, to: readyFile, console) }
        Readiness.notifyService()
    }
}

/// Who may come in.
private struct AccessList: Sendable {
    private let allowed: Set<PeerID>?
    private let denied: Set<PeerID>

    init(allow: [String], deny: [String]) throws {
        allowed = allow.isEmpty ? nil : Set(try Self.read(allow))
        denied = Set(try Self.read(deny))
    }

    private static func read(_ entries: [String]) throws -> [PeerID] {
        try entries.flatMap { entry in
            let isFile = entry.hasPrefix("@")
            let words = isFile ? try TextFile.lines(of: String(entry.dropFirst())) : [entry]
            return try words.map { word in
                guard let id = PeerID(hex: word) else {
                    throw Failure(
                        isFile ? .data : .usage, target: isFile ? String(entry.dropFirst()) : nil,
                        "expected a peer id of 64 hex digits, got \"\(word)\"")
                }
                return id
            }
        }
    }

    func verdict(on peer: PeerID) -> NodeConfiguration.Verdict {
        if denied.contains(peer) { return .refused("this node turns you away") }
        if let allowed, !allowed.contains(peer) { return .refused("this node lets in others only") }
        return .welcome
    }
}
