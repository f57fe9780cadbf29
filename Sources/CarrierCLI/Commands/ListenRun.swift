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
                group.addTask(executorPreference: node.executor) { try await tell(every: interval) }
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

    /// Takes one event after the other; ends when enough sessions have.
    private func follow(_ sessions: SessionCount) async throws -> ExitCode? {
        let limit = command.once ? 1 : command.count
        return try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            defer { group.cancelAll() }
            let (ended, endings) = AsyncStream<ExitCode>.makeStream()
            group.addTask(executorPreference: node.executor) {
                var isTaken = false
                for await event in await node.events.includingMessages() {
                    switch event {
                    case .connected(let peer):
                        await emit(PeerUp(peer: peer))
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
                            Task(executorPreference: node.executor) { await serve(peer, endings) }
                        }
                    case .disconnected(let peer, let cause):
                        await emit(PeerDown(peer: peer, cause: cause, traffic: await peer.traffic))
                        if peer.info.isOutbound { continue }
                        let total = await sessions.ended()
                        if !command.pipe, let limit, total >= limit { return .ok }
                    case .message(let peer, let frame):
                        await emit(MessageRecord(peer: peer.id, frame: frame, name: name(of: frame.opcode)))
                    case .handshakeFailed(let address, let error):
                        console.diagnostics.note("\(address): \(error)")
                    case .notice(let notice):
                        if let broadcast = notice as? BroadcastReceived {
                            await emit(BroadcastRecord(broadcast: broadcast))
                        }
                        await reach.hear(notice)
                    }
                }
                return .ok
            }
            if command.pipe {
                group.addTask {
                    for await code in ended { return code }
                    return .ok
                }
            }
            let code = try await group.next()
            return code ?? .ok
        }
    }

    /// Says again and again what the node has counted.
    private func tell(every interval: Duration) async throws -> Never {
        let start = ContinuousClock.now
        var chart = StatsChart()
        var reached: UInt64 = 0
        while true {
            try await Task.sleep(for: interval)
            let record = StatsRecord(uptime: .now - start, statistics: await node.statistics, limits: await node.limits)
            let troubles = record.limits.reduce(0) { $0 &+ UInt64($1.reached) }
            // For people it is no result, but how things stand: on a terminal a line that changes, and a new one where a
            // limit was reached.
            if command.common.json {
                await emit(record)
            } else if !console.diagnostics.showsProgress || troubles != reached {
                console.diagnostics.note(record.line)
            }
            reached = troubles
            guard console.diagnostics.showsProgress else { continue }
            chart.add(record.statistics, interval: interval)
            let open = record.limits.filter { [.inbound, .outbound].contains($0.name) }.compactMap(\.used)
            console.diagnostics.progress(
                chart.line(
                    uptime: record.uptime, peers: Int(open.reduce(0, +)), columns: console.diagnostics.columns))
        }
    }

    private func name(of opcode: Opcode) -> String? { command.opcode.first { $0.opcode == opcode }?.name }

    /// Prints a record, and waits while too many wait to be read: the next event is not taken then, and messages that wait to be
    /// taken hold back who sent them.
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
            options.endsWithPeer = false
            options.drain = ChildProcess.grace
            let result = await peer.splice(options)
            if case .lost(let cause) = result.end { console.diagnostics.note("\(peer.id.short): \(cause)") }
            let lost = Int(result.unwritten) + (await child.end())
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
