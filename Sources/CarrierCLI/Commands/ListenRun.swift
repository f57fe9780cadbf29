import Carrier
import CarrierProtocols
import CarrierWire
import Glibc
import NIOCore

/// A listening node's events, printed; and its sessions' byte streams, served.
struct ListenRun: Sendable {
    private let command: ListenCommand
    private let node: Node
    private let reach: ListenReach
    private let console: Console

    init(_ command: ListenCommand, _ node: Node, _ reach: ListenReach, _ console: Console) {
        self.command = command
        self.node = node
        self.reach = reach
        self.console = console
    }

    /// How the listening ended.
    private enum End: Sendable {
        case code(ExitCode)
        case failed(Failure)
    }

    func run() async throws -> ExitCode {
        try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            defer { group.cancelAll() }
            let sessions = SessionCount()
            group.addTask(executorPreference: node.executor) { try await follow(sessions) }
            if let interval = command.stats?.duration {
                group.addTask(executorPreference: node.executor) {
                    await tell(every: interval)
                    return nil
                }
            }
            if let limit = command.duration?.duration {
                group.addTask {
                    try await Task.sleep(for: limit)
                    return .ok
                }
            }
            if let limit = command.idle?.duration {
                group.addTask {
                    while true {
                        let left = await sessions.idleLeft(of: limit)
                        if left <= .zero { return .ok }
                        try await Task.sleep(for: left)
                    }
                }
            }
            while let code = try await group.next() {
                if let code { return code }
            }
            return .ok
        }
    }

    /// Serves sessions, and prints what happens beside that: whoever reads stdout slowly, or not at all, holds back only those
    /// who send messages. Ends when enough sessions have.
    private func follow(_ sessions: SessionCount) async throws -> ExitCode? {
        let happenings = await node.events.asTheyHappen()
        return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            // What has come by then is still printed.
            defer { group.cancelAll() }
            let (ended, endings) = AsyncStream<ExitCode>.makeStream()
            group.addTask(executorPreference: node.executor) {
                await printEvents()
                return nil
            }
            group.addTask(executorPreference: node.executor) { await serve(happenings, sessions, endings) }
            if command.pipe {
                group.addTask {
                    for await code in ended { return code }
                    return .ok
                }
            }
            while let code = try await group.next() {
                if let code { return code }
            }
            return .ok
        }
    }

    /// Serves one session after the other, until enough have ended; never waits for who reads stdout.
    private func serve(
        _ happenings: AsyncStream<NodeEvents.Element>, _ sessions: SessionCount,
        _ endings: AsyncStream<ExitCode>.Continuation
    ) async -> ExitCode {
        let limit = command.once ? 1 : command.count
        let services = Services(console)
        var isTaken = false
        for await event in happenings {
            switch event {
            case .connected(let peer):
                // What the node itself dials, relays and the overlay, is not there for the stream and does not count.
                if peer.info.isOutbound { continue }
                await sessions.began()
                if command.pipe, isTaken {
                    // The stream has its session; a second one finds it taken.
                    Task(executorPreference: node.executor) {
                        await peer.disconnect(.tooManyConnections, "the stream has its session")
                    }
                } else {
                    isTaken = true
                    await services.begin(peer, on: node.executor) { await serve(peer, endings) }
                }
            case .disconnected(let peer, _):
                if peer.info.isOutbound { continue }
                await services.outlive(peer)
                let total = await sessions.ended()
                if !command.pipe, let limit, total >= limit { return .ok }
            case .handshakeFailed(let address, let error): console.diagnostics.note("\(address): \(error)")
            case .notice(let notice): await reach.hear(notice)
            case .message: break
            }
        }
        return .ok
    }

    /// Prints one event after the other. While too much waits to be read the next one is not taken, and messages that wait to be
    /// taken hold back who sent them.
    private func printEvents() async {
        for await event in await node.events.includingMessages() {
            switch event {
            case .connected(let peer): await emit(PeerUp(peer: peer))
            case .disconnected(let peer, let cause):
                await emit(PeerDown(peer: peer, cause: cause, traffic: await peer.traffic))
            case .message(let peer, let frame):
                await emit(MessageRecord(peer: peer.id, frame: frame, name: name(of: frame.opcode)))
            case .notice(let notice as BroadcastReceived): await emit(BroadcastRecord(broadcast: notice))
            case .notice, .handshakeFailed: break
            }
        }
    }

    /// Says again and again what the node has counted, and once more when it ends, so that nothing counted stays unsaid.
    private func tell(every interval: Duration) async {
        let start = ContinuousClock.now
        var chart = StatsChart()
        var reached: UInt64 = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            let record = StatsRecord(uptime: .now - start, statistics: await node.statistics, limits: await node.limits)
            let troubles = record.limits.reduce(0) { $0 &+ UInt64($1.reached) }
            // For people it is no result, but how things stand: on a terminal a line that changes, and a new one where a
            // limit was reached.
            if command.common.json {
                await emit(record)
            } else if !console.diagnostics.showsProgress || troubles != reached || Task.isCancelled {
                console.diagnostics.note(record.line)
            }
            reached = troubles
            guard console.diagnostics.showsProgress, !Task.isCancelled else { continue }
            chart.add(record.statistics, interval: interval)
            let open = record.limits.filter { [.inbound, .outbound].contains($0.name) }.compactMap(\.used)
            console.diagnostics.progress(
                chart.line(
                    uptime: record.uptime, peers: Int(open.reduce(0, +)), columns: console.diagnostics.columns))
        }
    }

    private func name(of opcode: Opcode) -> String? { command.opcode.first { $0.opcode == opcode }?.name }

    /// Prints a record, and waits while too many wait to be read.
    private func emit(_ record: some Record) async {
        guard !command.pipe else { return }
        console.output.emit(record)
        await console.output.room()
    }

    /// Serves the byte stream of a session, where the command has a use for it.
    private func serve(_ peer: Peer, _ endings: AsyncStream<ExitCode>.Continuation) async {
        if command.pipe {
            endings.yield(await serveStandardStreams(peer))
        } else if command.echo {
            _ = await peer.echo()
            await peer.disconnect()
        } else if let line = command.exec {
            await serveChild(line, peer)
        }
    }

    private func serveStandardStreams(_ peer: Peer) async -> ExitCode {
        var options = SpliceOptions(input: STDIN_FILENO, output: STDOUT_FILENO)
        options.endsWithPeer = false
        options.staysOpenWithoutInput = true
        let result = await peer.splice(options)
        let hasSpoken = await peer.hasSpoken
        await peer.disconnect()
        do {
            return try result.exitCode(for: peer, hasSpoken: hasSpoken, console)
        } catch {
            let failure = Failure(error)
            console.report(failure)
            return failure.code
        }
    }

    private func serveChild(_ line: String, _ peer: Peer) async {
        do {
            let local = await peer.localAddress
            let child = try ChildProcess(
                running: line,
                environment: [
                    "CARRIER_PEER": "\(peer.id)", "CARRIER_PEER_ADDRESS": "\(peer.info.address)",
                    "CARRIER_LOCAL_ADDRESS": "\(local)",
                ])
            var options = SpliceOptions(input: child.output, output: child.input)
            options.closesOutput = true
            options.willCloseOutput = { child.keepPipe() }
            options.endsWithPeer = false
            options.drain = ChildProcess.grace
            let result = await peer.splice(options)
            if case .lost(let cause) = result.end { console.diagnostics.note("\(peer.id.short): \(cause)") }
            let (unread, isWell) = await child.end()
            // What a command did not read that ended well it did not want.
            let lost = result.unwritten > 0 || !isWell ? Int(result.unwritten) + unread : 0
            if lost > 0 {
                console.diagnostics.warning(
                    """
                    \(peer.id.short): \(lost) of \(result.received) bytes are lost, the command did not read them; let it \
                    read to the end, it has as long as it reads something every two seconds
                    """)
            }
        } catch {
            console.report(Failure(error, target: line))
        }
        await peer.disconnect()
    }
}

/// How many sessions there are and were.
private actor SessionCount {
    private var open = 0
    private var total = 0
    private var quietSince = ContinuousClock.now

    func began() { open += 1 }

    /// - Returns: how many have ended.
    func ended() -> Int {
        open -= 1
        total += 1
        quietSince = .now
        return total
    }

    /// How much of a time without sessions is left.
    func idleLeft(of limit: Duration) -> Duration { open > 0 ? limit : quietSince + limit - .now }
}

/// The tasks that serve sessions. Those of `--exec` may go on after their session, as long as their command reads.
private actor Services {
    /// How many may; one more ends the oldest. Each takes some eight descriptors.
    private static let limit = 32

    private let console: Console
    /// By numbers: who comes again may look the same.
    private var tasks: [Int: Task<Void, Never>] = [:]
    private var sessions: [Peer: Int] = [:]
    private var numbers = 0
    /// Those without a session, the oldest first.
    private var survivors: [Int] = []

    init(_ console: Console) { self.console = console }

    func begin(_ peer: Peer, on executor: some TaskExecutor, _ body: @escaping @Sendable () async -> Void) {
        numbers += 1
        let number = numbers
        sessions[peer] = number
        tasks[number] = Task(executorPreference: executor) {
            await body()
            await self.ended(number)
        }
    }

    private func ended(_ number: Int) {
        tasks[number] = nil
        survivors.removeAll { $0 == number }
    }

    /// The session has ended.
    func outlive(_ peer: Peer) {
        guard let number = sessions.removeValue(forKey: peer), tasks[number] != nil else { return }
        survivors.append(number)
        guard survivors.count > Self.limit else { return }
        console.diagnostics.warning("more than \(Self.limit) commands go on whose peers are gone; the oldest is ended")
        tasks[survivors.removeFirst()]?.cancel()
    }
}
