import ArgumentParser
import Carrier
import CarrierProtocols
import CarrierTransport
import CarrierWire
import Glibc
import NIOCore

/// `carrier dial`: an authenticated netcat.
struct DialCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "dial",
        abstract: "Connect to a node and join its byte stream to stdin and stdout.",
        discussion: """
            Dials the addresses, 250 ms apart, shakes hands with whoever answers first and is the peer that the address \
            names, sends stdin and prints what the peer sends. The end of stdin ends that direction; the command goes on \
            until the peer ends its own.
            """)
    static let exitCodes: [ExitCode] = [
        .ok, .unreachable, .auth, .refused, .lost, .deadline, .usage, .data, .noinput, .bug, .io, .perm,
    ]
    static let examples = [
        (
            line: "tar cf - dir | carrier dial --send-only \"$A\"",
            about: "Send a tree; the other side runs carrier listen --pipe | tar xf -."
        ),
        (
            line: "echo '{\"id\":7}' | carrier dial --messages json --opcode 1000 \"$A\"",
            about: "A line of JSON as a MessagePack message."
        ),
        (line: "carrier dial -z \"$A\"", about: "Only shake hands, and say how long it took."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions

    @Flag(name: .long, help: "Send stdin, receive nothing, end when the peer has acknowledged the last byte.")
    var sendOnly = false

    @Flag(name: .long, help: "Receive only; stdin is never opened.")
    var recvOnly = false

    @Option(
        name: .long, help: ArgumentHelp("Receive for so long after the end of stdin.", valueName: "duration"),
        transform: DurationArgument.parse)
    var linger: DurationArgument?

    @Flag(name: .customShort("z"), help: "Shake hands and say how long it took; send nothing.")
    var probe = false

    @Option(
        name: .long,
        help: ArgumentHelp("Send records of stdin as messages: lines, json (MessagePack) or len32.", valueName: "form"))
    var messages: DialMessages.Form?

    @Option(
        name: .long, help: ArgumentHelp("The opcode of the messages (default: 1000).", valueName: "n"),
        transform: OpcodeArgument.parse)
    var opcode = OpcodeArgument(1000)

    @Argument(
        help: ArgumentHelp(
            "Where to connect: SCHEME://[PEERID@]HOST:PORT, or a public key to be looked up.", valueName: "address"),
        completion: KnownPeers.targets, transform: TargetArgument.parse)
    var targets: [DialTarget]

    // Once connected, dial stays as long as there is something to move; stdout carries the peer's bytes.
    var endsWithRecord: Bool { probe }
    private var movesBytes: Bool { !probe && messages == nil }
    var readerPatience: Duration? { sendOnly ? nil : movesBytes ? Self.streamPatience : .zero }

    func validate() throws {
        if sendOnly && recvOnly {
            throw ValidationError("--send-only and --recv-only exclude each other; leave one out")
        }
        if messages != nil && (sendOnly || recvOnly || probe) {
            throw ValidationError("--messages excludes --send-only, --recv-only and -z; leave them out")
        }
        if linger != nil && (sendOnly || recvOnly) { throw ValidationError("--linger needs both directions") }
        if common.json && movesBytes {
            throw ValidationError("--json is for -z and --messages: stdout carries bytes here")
        }
        if movesBytes,
            targets.contains(where: { if case .address(let address) = $0 { address.scheme == .udp } else { false } })
        {
            throw ValidationError("udp:// has no byte stream: it may lose and reorder; use tcp:// or quic://")
        }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        try await session.withNode(console, bootstrap: session.bootstrapPeers(for: targets)) { configuration in
            configuration.acceptsUnregistered = messages != nil
        } _: { node in
            var addresses: [Address] = []
            for target in targets {
                addresses += try await session.addresses(of: target, node, needsStream: movesBytes)
            }
            let peer = try await node.dial(addresses)
            if probe { return try await handshakeOnly(peer, console) }
            if let messages {
                return try await DialMessages(
                    form: messages, opcode: Opcode(opcode.opcode), linger: linger?.duration, console: console
                ).run(peer, node)
            }
            return try await move(peer, console)
        }
    }

    private func handshakeOnly(_ peer: Peer, _ console: Console) async throws -> ExitCode {
        do {
            // Only an answer shows that the peer took our side of the handshake.
            try await peer.confirm(within: session.connectTimeout.duration)
        } catch RequestError.disconnected(let cause) {
            throw Failure(cause.exitCode(hasSpoken: false), target: "\(peer.info.address)", "\(cause)")
        }
        console.output.emit(
            HandshakeRecord(
                session: SessionRecord(
                    target: targets[0].description, isPinned: targets.allSatisfy(\.isPinned), peer: peer)))
        return .ok
    }

    private func move(_ peer: Peer, _ console: Console) async throws -> ExitCode {
        var options = SpliceOptions(input: recvOnly ? nil : STDIN_FILENO, output: STDOUT_FILENO)
        options.endsWhenSent = sendOnly
        options.endsWithPeer = !sendOnly
        options.linger = linger?.duration
        let result = await peer.splice(options)
        let hasSpoken = await peer.hasSpoken
        await peer.disconnect()
        return try result.exitCode(for: peer, hasSpoken: hasSpoken, console)
    }
}

/// What `-z` prints.
private struct HandshakeRecord: Record {
    static var type: StaticString { SessionRecord.type }
    let session: SessionRecord

    func encode(into line: inout JSONLine) { session.encode(into: &line) }

    func text(_ style: Style) -> String? {
        let peer = session.peer
        return
            "ok \(peer.info.address) connect \(milliseconds(peer.connectTime)) handshake \(milliseconds(peer.handshakeTime))"
    }
}

extension SpliceResult {
    /// What a splice with stdin and stdout means for the process.
    ///
    /// - Throws: a `Failure` unless all is well.
    func exitCode(for peer: Peer, hasSpoken: Bool, _ console: Console) throws -> ExitCode {
        switch end {
        case .complete: return .ok
        case .lost(let cause):
            throw Failure(
                cause.exitCode(hasSpoken: hasSpoken), target: "\(peer.info.address)",
                "\(cause); \(sent) bytes sent, \(received) received, data may be short")
        case .inputFailed(let code):
            throw Failure(.noinput, "cannot read stdin: \(Descriptors.reason(code))")
        case .outputFailed(let code):
            console.supervisor.stop(code == EPIPE ? .readerGone : .outputFailed(code))
            return .io
        }
    }
}
