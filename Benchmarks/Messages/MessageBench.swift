import ArgumentParser
import Carrier
import Glibc
import NIOCore
import NIOPosix

/// A body of so many bytes.
private struct Body: FieldMessage {
    var bytes: ByteBuffer
    init(_ bytes: ByteBuffer) { self.bytes = bytes }
    init(from reader: inout Reader) throws(WireError) { bytes = try reader.raw("bytes", count: reader.left) }
    func write(to writer: inout Writer) { writer.raw(bytes) }
}

/// Answers requests with their body, and counts the messages that want no answer.
private struct Answerer: Component {
    static let opcode = Opcode(1000)
    let name = "answerer"
    let opcodes = [Self.opcode]

    mutating func receive(_ message: Inbound, _ context: inout Context) -> Bool {
        if message.isRequest {
            context.send(
                Frame(Self.opcode, flags: .reply, nonce: message.frame.nonce, body: message.frame.body),
                to: Destination(message.peer))
        }
        return true
    }
}

/// The same in an async function of the application.
private struct AsyncAnswerer: AsyncComponent {
    let opcodes = [Answerer.opcode]

    func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
        if message.flags.contains(.request) { try await peer.reply(to: message, with: Body(message.body)) }
        return true
    }
}

/// Measures messages between two nodes over loopback: in one process, each on a thread of its own or both on one, or in
/// two (`--serve`, `--connect`).
@main
struct MessageBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carrier-bench", abstract: "Measure messages between two nodes.")

    @Option(help: "Seconds for each figure.") var seconds = 1.0
    @Option(help: "tcp, quic or udp.", transform: { Address.Scheme($0) }) var transport = Address.Scheme.tcp
    @Option(
        help: """
            Only this kind: one-way, request or bulk. Measured only by name: handshake; bare, round trips over TCP through \
            SwiftNIO alone (tell the serving end too).
            """)
    var kind: String?
    @Option(help: "Only bodies of this many bytes.") var size: Int?
    @Option(help: "Only so many tasks that send at once: 1 or 64. Of handshakes: nodes that dial.") var inFlight: Int?
    @Flag(help: "Both nodes on one thread.") var oneLoop = false
    @Flag(help: "Of handshakes: check each peer's signatures, also those of one that comes again.") var strangers =
        false
    @Flag(name: .customLong("async"), help: "Answer in an async component.") var isAsync = false
    @Flag(help: "JSON lines in place of the table.") var json = false
    @Flag(help: "Only answer: print the address, until standard input ends.") var serve = false
    @Option(help: "Only ask: the node at this address.", transform: { try Address($0) }) var connect: Address?

    func validate() throws {
        if kind == "bare", transport != .tcp || (inFlight ?? 1) != 1 {
            throw ValidationError("bare is one request at a time over tcp: leave out --transport, --in-flight.")
        }
    }

    mutating func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let loops = Array(group.makeIterator())
        guard let first = loops.first, let last = oneLoop ? loops.first : loops.last else { return }
        let dialling = oneLoop ? [last] : loops
        let command = self
        if let connect {
            try await command.ask(connect, on: last, dialling)
        } else if kind == "bare" {
            let address = try await BareEcho.listen(on: first)
            if serve { try await Self.announce(address) } else { try await ask(address, on: last, dialling) }
        } else {
            let (components, application): ([any Component], [any AsyncComponent]) =
                isAsync ? ([], [AsyncAnswerer()]) : ([Answerer()], [])
            try await Node.run(
                Self.configuration(strangers: command.strangers), components: Node.standardComponents + components,
                application: application,
                on: first
            ) { server in
                let address = try await server.listen(
                    on: Address(scheme: command.transport, host: "127.0.0.1", port: 0))
                guard command.serve else { return try await command.ask(address, on: last, dialling) }
                try await Self.announce(address)
            }
        }
        try await group.shutdownGracefully()
    }

    /// Says where to ask, and waits for the end of standard input.
    private static func announce(_ address: Address) async throws {
        print(address)
        fflush(nil)
        try await NIOThreadPool.singleton.runIfActive { while readLine() != nil {} }
    }

    private func ask(_ address: Address, on loop: any EventLoop, _ dialling: [any EventLoop]) async throws {
        let command = self
        if kind == "handshake" {
            let handshakes = Handshakes(
                to: address, nodes: inFlight ?? 16, areStrangers: strangers, seconds: seconds)
            let figures = try await handshakes.measure(on: dialling)
            return print(json ? figures.json : figures.row)
        }
        if kind == "bare" {
            let figures = try await BareEcho.measure(address, size: size ?? 64, seconds: seconds, on: loop)
            return print(json ? figures.json : figures.row)
        }
        try await Node.run(Self.configuration(), on: loop) { node in
            let peer = try await node.dial([address])
            if !command.json { print(Figures.header) }
            for (kind, size, inFlight) in command.points(over: address.scheme) {
                let figures = try await Self.onLoop(of: node) {
                    // The first run warms up.
                    _ = try await Self.measure(kind, peer, size, inFlight, seconds: command.seconds / 5)
                    return try await Self.measure(kind, peer, size, inFlight, seconds: command.seconds)
                }
                print(command.json ? figures.json : figures.row)
            }
        }
    }

    /// What is measured, in order. Over UDP only what is answered is known to have arrived, and only what fits into a datagram
    /// is sent.
    private func points(over scheme: Address.Scheme) -> [(kind: String, size: Int, inFlight: Int)] {
        let messages = (size.map { [$0] } ?? [64, 1024, 16_384]).flatMap { size in
            ["one-way", "request"].flatMap { kind in [1, 64].map { (kind, size, $0) } }
        }
        let bulk = size.map { [("bulk", $0, 1)] } ?? [("bulk", 65_536, 1), ("bulk", 1 << 20, 4)]
        return (messages + bulk).filter {
            (kind ?? $0.0) == $0.0 && (inFlight ?? $0.2) == $0.2
                && (scheme != .udp || $0.0 == "request" && $0.1 <= 1024)
        }
    }

    static func configuration(strangers: Bool = false) async throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try await Identity.generate())
        if strangers { configuration.limits.handshake.remembered = 0 }
        try configuration.messages.register(Body.self, opcode: Answerer.opcode)
        return configuration
    }

    /// Runs on the node's thread, as an application that wants speed does.
    private static func onLoop(of node: Node, _ body: @escaping @Sendable () async throws -> Figures) async throws
        -> Figures
    {
        try await Task(executorPreference: node.executor) { try await body() }.value
    }

    /// Sends for so long from `inFlight` tasks; one-way messages end with an acknowledged one, so that all have arrived.
    private static func measure(
        _ kind: String, _ peer: Peer, _ size: Int, _ inFlight: Int, seconds: Double
    ) async throws -> Figures {
        let body = ByteBuffer(repeating: 7, count: size)
        let (processor, allocations) = (ProcessorTime.used, Allocations.count)
        let start = NIODeadline.now()
        let end = start + .nanoseconds(Int64(seconds * 1e9))
        let times = try await withThrowingTaskGroup(of: (Int, [UInt64]).self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    switch kind {
                    case "request": try await ask(peer, body, until: end)
                    case "bulk": try await pour(peer, body, until: end)
                    default: try await tell(peer, body, until: end)
                    }
                }
            }
            var count = 0
            var all: [UInt64] = []
            for try await (number, times) in group {
                count += number
                all += times
            }
            return (count, all)
        }
        let elapsed = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        let allocated = allocations.flatMap { before in Allocations.count.map { $0 - before } }
        return Figures(
            kind: kind, size: size, inFlight: inFlight, count: times.0, seconds: elapsed,
            processorSeconds: ProcessorTime.used - processor, allocations: allocated, times: times.1.sorted())
    }

    private static func ask(_ peer: Peer, _ body: ByteBuffer, until end: NIODeadline) async throws -> (Int, [UInt64]) {
        var times: [UInt64] = []
        times.reserveCapacity(1 << 20)
        var now = NIODeadline.now()
        while now < end {
            _ = try await peer.request(Body(body), for: Body.self)
            let after = NIODeadline.now()
            times.append(UInt64(clamping: (after - now).nanoseconds))
            now = after
        }
        return (times.count, times)
    }

    /// Large bodies as frames, which are sealed from where they lie.
    private static func pour(_ peer: Peer, _ body: ByteBuffer, until end: NIODeadline) async throws -> (Int, [UInt64]) {
        var count = 0
        let frame = Frame(Answerer.opcode, body: body)
        while NIODeadline.now() < end {
            for _ in 0..<8 { try await peer.send(frame) }
            count += 8
            await Task.yield()
        }
        try await peer.send(frame, acknowledged: true)
        return (count + 1, [])
    }

    private static func tell(_ peer: Peer, _ body: ByteBuffer, until end: NIODeadline) async throws -> (Int, [UInt64]) {
        var count = 0
        while NIODeadline.now() < end {
            for _ in 0..<64 { try await peer.send(Body(body)) }
            count += 64
            // Others of this thread have their turn: the frames of one turn go out together.
            await Task.yield()
        }
        try await peer.send(Body(body), acknowledged: true)
        return (count + 1, [])
    }
}
