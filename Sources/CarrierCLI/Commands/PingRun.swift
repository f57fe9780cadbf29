import Carrier
import CarrierProtocols
import CarrierWire
import NIOCore

/// The pings of one target.
struct PingRun: Sendable {
    struct Settings: Sendable {
        let count: Int
        let interval: Duration
        let wait: Duration
        let size: Int
        let layer: PingCommand.Layer
        let until: PingCommand.Until?
        let maxLoss: Double?
        let maxRTT: Duration?
        let isQuiet: Bool
        let showsChart: Bool
    }

    private let aim: DialTarget
    private let settings: Settings
    private let session: SessionOptions
    private let node: Node
    private let console: Console
    private var target: String { aim.description }

    init(_ aim: DialTarget, _ settings: Settings, _ session: SessionOptions, _ node: Node, _ console: Console) {
        self.aim = aim
        self.settings = settings
        self.session = session
        self.node = node
        self.console = console
    }

    /// What became of the target; failures are reported here.
    func run() async -> ExitCode {
        if let until = settings.until { return await wait(until: until) }
        var statistics = PingStatistics(target: target, showsChart: settings.showsChart)
        var code = ExitCode.ok
        do {
            try await pings(&statistics)
        } catch is CancellationError {
            // Interrupted: what came so far is summed up.
        } catch {
            let failure = Failure(error, target: target)
            console.report(failure)
            code = failure.code
        }
        guard statistics.sent > 0 else { return code }
        console.output.emit(statistics)
        if code != .ok { return code }
        return judge(statistics)
    }

    private func judge(_ statistics: PingStatistics) -> ExitCode {
        if statistics.received == 0 { return .negative }
        if let limit = settings.maxLoss, statistics.lossPercent > limit { return .negative }
        if let limit = settings.maxRTT, statistics.average > limit { return .negative }
        return .ok
    }

    private func pings(_ statistics: inout PingStatistics) async throws {
        let peer = settings.layer == .echo ? try await open() : nil
        let payload = ByteBuffer(bytes: (0..<settings.size).map { UInt8(truncatingIfNeeded: $0) })
        let start = ContinuousClock.now
        for sequence in 1...settings.count {
            if sequence > 1 {
                try await Task.sleep(until: start + settings.interval * (sequence - 1), clock: .continuous)
            }
            try Task.checkCancellation()
            statistics.sent += 1
            do {
                let time = try await ping(peer, payload)
                statistics.add(time)
                if !settings.isQuiet {
                    console.output.emit(
                        PingReply(target: target, sequence: sequence, bytes: settings.size, time: time))
                }
            } catch RequestError.timeout(let limit) {
                statistics.addLost()
                if !settings.isQuiet {
                    console.output.emit(PingLost(target: target, sequence: sequence, waited: limit))
                }
            }
        }
        await peer?.disconnect()
    }

    private func open() async throws -> Peer {
        let peer = try await dial()
        if !settings.isQuiet {
            console.output.emit(SessionRecord(target: target, isPinned: aim.isPinned, peer: peer))
        }
        return peer
    }

    private func dial() async throws -> Peer { try await node.dial(session.addresses(of: aim, node)) }

    /// One ping as far as the layer says.
    private func ping(_ peer: Peer?, _ payload: ByteBuffer) async throws -> Duration {
        switch settings.layer {
        case .connect: return try await node.probe(try await session.addresses(of: aim, node)[0])
        case .handshake:
            let peer = try await dial()
            try await confirmed(peer)
            await peer.disconnect()
            return peer.connectTime + peer.handshakeTime
        case .echo:
            guard let peer else { throw RequestError.unreachable("no session") }
            do {
                return try await peer.ping(payload, within: settings.wait)
            } catch RequestError.disconnected(let cause) {
                throw Failure(cause.exitCode(hasSpoken: await peer.hasSpoken), target: target, "\(cause)")
            }
        }
    }

    private func confirmed(_ peer: Peer) async throws {
        do {
            try await peer.confirm(within: settings.wait)
        } catch RequestError.disconnected(let cause) {
            throw Failure(cause.exitCode(hasSpoken: false), target: target, "\(cause)")
        }
    }

    /// Tries from the connect on, again and again, until the target answers, or no longer does.
    private func wait(until state: PingCommand.Until) async -> ExitCode {
        let payload = ByteBuffer(repeating: 0x61, count: settings.size)
        var sequence = 0
        while !Task.isCancelled {
            sequence += 1
            do {
                let peer = settings.layer == .echo ? try await dial() : nil
                let time = try await ping(peer, payload)
                await peer?.disconnect()
                if state == .up {
                    console.output.emit(
                        PingReply(target: target, sequence: sequence, bytes: settings.size, time: time))
                    return .ok
                }
            } catch {
                if state == .down, !Task.isCancelled {
                    console.diagnostics.note("\(target) is down: \(error)")
                    return .ok
                }
                // Who answers and is somebody else will not become the one that is meant.
                if let failure = error as? DialError, case .handshake(_, .wrongPeer) = failure {
                    console.report(Failure(error, target: target))
                    return .auth
                }
            }
            try? await Task.sleep(for: min(settings.interval, .milliseconds(200)))
        }
        return .deadline
    }
}
