import Foundation
import Glibc
import Synchronization

/// A process that a test started, with its output gathered by a thread of its own and a deadline that nothing
/// outlives: neither the process nor what it left in the background.
final class Child: Sendable {
    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var outcome: Outcome?
        /// Counts changes, so that one which comes between a look and the wait after it is not missed.
        var version = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let started = ContinuousClock.now
    private let limit: ContinuousClock.Instant
    private let input: Mutex<Int32>
    private let outputEnd: Int32
    private let errorEnd: Int32
    /// The process, and the group of all that it starts.
    let pid: pid_t

    /// Starts a program in a process group of its own, with all signals at their defaults.
    ///
    /// - Parameters:
    ///   - input: true gives it a pipe as stdin, for `write`; false gives it /dev/null.
    ///   - limit: when it is killed.
    init(
        _ program: String, _ arguments: [String], environment: [String: String], directory: String, input: Bool = false,
        limit: Duration = .seconds(30)
    ) throws {
        let (ours, theirs) = try input ? Pipe.make() : (-1, try Pipe.open("/dev/null"))
        let (outputEnd, outputTheirs) = try Pipe.make(reading: true)
        let (errorEnd, errorTheirs) = try Pipe.make(reading: true)
        defer { for descriptor in [theirs, outputTheirs, errorTheirs] { close(descriptor) } }
        pid = try Spawn.start(
            program, arguments, environment, directory, descriptors: [theirs, outputTheirs, errorTheirs])
        self.input = Mutex(ours)
        self.limit = .now + limit
        (self.outputEnd, self.errorEnd) = (outputEnd, errorEnd)
        try Spawn.thread { self.gather() }
    }

    // MARK: Talking to it

    /// Sends a signal to the process alone.
    func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits until it has a handler for the signal; false when it ends without one. (The Swift runtime has one for
    /// SIGQUIT from the start.)
    func catches(_ signal: Int32) async -> Bool {
        while state.withLock({ $0.outcome == nil }) {
            let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
            let caught = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
            let mask = caught.flatMap { UInt64($0.dropFirst(7).trimmingPrefix("\t"), radix: 16) } ?? 0
            if mask >> UInt64(signal - 1) & 1 == 1 { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    /// Writes to its stdin.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        input.withLock { descriptor in
            var position = 0
            while position < bytes.count {
                let count = bytes[position...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count <= 0 { return }
                position += count
            }
        }
    }

    /// Ends its stdin.
    func closeInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// What it has printed so far.
    var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    /// What it has said on stderr so far.
    var errors: String { state.withLock { String(decoding: $0.errors, as: UTF8.self) } }

    /// Waits for a whole line of stdout that `isWanted`; nil when the process ends without one.
    func line(where isWanted: (Substring) -> Bool = { _ in true }) async -> String? {
        await text(of: \.output, isWanted)
    }

    /// Waits for a whole line of stderr that contains `text`; nil when the process ends without one.
    func errorLine(containing text: String) async -> String? {
        await self.text(of: \.errors) { $0.contains(text) }
    }

    private func text(
        of stream: any KeyPath<State, [UInt8]> & Sendable, _ isWanted: (Substring) -> Bool
    ) async -> String? {
        while true {
            let (found, isOver, version) = state.withLock { state -> (String?, Bool, Int) in
                let text = String(decoding: state[keyPath: stream], as: UTF8.self)
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                return (lines.first(where: isWanted).map(String.init), state.outcome != nil, state.version)
            }
            if found != nil || isOver { return found }
            await change(after: version)
        }
    }

    /// Waits for the end of the process.
    func outcome() async -> Outcome {
        while true {
            let (outcome, version) = state.withLock { ($0.outcome, $0.version) }
            if let outcome { return outcome }
            await change(after: version)
        }
    }

    private func change(after version: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.version != version { continuation.resume() } else { state.waiters.append(continuation) }
            }
        }
    }

    // MARK: The thread that gathers

    private func gather() {
        var open = [outputEnd, errorEnd]
        var status: Int32?
        var isLate = false
        var lastWords: ContinuousClock.Instant?
        while true {
            var descriptors = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&descriptors, 2, 10)
            for index in 0..<2 where descriptors[index].revents != 0 {
                if !take(open[index], isOutput: index == 0) { open[index] = -1 }
            }
            if status == nil { status = Spawn.reap(pid) }
            if status != nil, lastWords == nil { lastWords = .now + .seconds(1) }
            let isSilent = open == [-1, -1]
            if status != nil, let lastWords, isSilent || lastWords < .now { break }
            if !isLate && limit < .now {
                isLate = true
                kill(-pid, SIGKILL)
            }
        }
        // What the process left in the background.
        kill(-pid, SIGKILL)
        closeInput()
        close(outputEnd)
        close(errorEnd)
        finish(status ?? 0, isLate)
    }

    /// Reads what is there; false at the end.
    private func take(_ descriptor: Int32, isOutput: Bool) -> Bool {
        var block = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &block, block.count)
        guard count > 0 else { return false }
        let waiters = state.withLock { state in
            state.version += 1
            if isOutput { state.output += block.prefix(count) } else { state.errors += block.prefix(count) }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
        return true
    }

    private func finish(_ status: Int32, _ isLate: Bool) {
        let waiters = state.withLock { state in
            state.version += 1
            state.outcome = Outcome(
                status: status, isLate: isLate, bytes: state.output,
                errors: String(decoding: state.errors, as: UTF8.self), elapsed: .now - started)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// How a process ended.
struct Outcome: Sendable, CustomStringConvertible {
    /// As `waitpid` reports it.
    let status: Int32
    /// Whether it had to be killed at its deadline.
    let isLate: Bool
    /// Its stdout.
    let bytes: [UInt8]
    /// Its stderr.
    let errors: String
    let elapsed: Duration

    /// The exit code, or -N where signal N killed it.
    var code: Int32 { status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f) }
    /// Its stdout.
    var output: String { String(decoding: bytes, as: UTF8.self) }
    /// The lines of its stdout.
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    var description: String {
        "code \(code)\(isLate ? ", killed at its deadline" : "")\nstdout: \(output.prefix(2000))\nstderr: \(errors.prefix(2000))"
    }
}
