import Foundation
import Testing

/// A real `carrier listen` under observation.
final class ListeningNode: Sendable {
    let scratch: Scratch
    let child: Child
    /// Where it can be dialled, with its id.
    let address: String
    /// What a command line begins with whose network is the node's.
    private let inNetwork: [String]

    /// Starts one on a free port of loopback and waits until it listens.
    convenience init(_ options: String..., limit: Duration = .seconds(120)) async throws {
        try await self.init(options, on: "tcp://127.0.0.1:0", limit: limit)
    }

    /// Whether a node can have a network of its own.
    static let canBeAlone = Permission.ownNetwork && Scratch.has("nsenter")

    /// - Parameter networks: addresses with prefixes; with any, the node has a network of its own, all of whose hosts are
    ///   this machine.
    init(
        _ options: [String], on bound: String, networks: [String] = [], environment: [String: String] = [:],
        limit: Duration = .seconds(120)
    ) async throws {
        scratch = try Scratch()
        let ready = "\(scratch.path)/ready"
        let arguments =
            ["listen", "-v", "--ready-file", ready, bound] + options
            + (options.contains("--pipe") ? [] : ["--json"])
        let line = ["\(Scratch.binaries)/carrier"] + arguments
        let setUp = (["ip link set lo up"] + networks.map { "ip addr add \($0) dev lo" }).joined(separator: " && ")
        let alone = networks.isEmpty ? [] : ["unshare", "-n", "sh", "-c", "\(setUp) && exec \"$@\"", "sh"]
        child = try Child(
            "env", alone + line, environment: scratch.environment(environment), directory: scratch.path, input: true,
            limit: limit)
        inNetwork = networks.isEmpty ? [] : ["nsenter", "-t", "\(child.pid)", "-n"]
        var address: String?
        for _ in 0..<1000 {
            address = try? scratch.read("ready").split(separator: "\n").first.map(String.init)
            if address != nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        guard let address else { throw HarnessError("the node does not listen: \(child.errors)", 0) }
        self.address = address
    }

    /// Ends it by SIGTERM.
    func end() async -> Outcome {
        child.send(SIGTERM)
        return await child.outcome()
    }

    /// The records that it printed so far.
    var records: [JSONRecord] { child.output.split(separator: "\n").compactMap { JSONRecord(String($0)) } }

    /// Payloads of the application's messages that were delivered.
    var messages: [String] { records.filter { $0.type == "message" }.map { $0["text"]?.text ?? "?" } }

    /// Why sessions ended, in order.
    var endings: [String] {
        records.filter { $0.type == "peer" && $0["event"]?.text == "down" }.map { $0["reason"]?.text ?? "?" }
    }

    /// Starts a program in the node's network.
    func start(_ line: [String], input: Bool = false, limit: Duration = .seconds(60)) throws -> Child {
        try Child(
            "env", inNetwork + line, environment: scratch.environment(), directory: scratch.path, input: input,
            limit: limit)
    }

    /// An honest peer's pings: the outcome, and the slowest in milliseconds.
    func ping(_ count: Int = 5) async throws -> (outcome: Outcome, slowest: Double) {
        let outcome = try await start([
            "\(Scratch.binaries)/carrier", "ping", "--json", "-c", "\(count)", "-i", "50ms", "-W", "5s",
            "--min-static", "0", "--min-dynamic", "0", address,
        ]).outcome()
        let summary = outcome.records.last { $0.type == "summary" }
        return (outcome, summary?["rtt_ms"]?.object?["max"]?.number ?? .infinity)
    }

    /// What the process takes of the machine now.
    func figures() throws -> Figures { try Figures(of: child.pid) }

    /// How many threads the process has now.
    var threads: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/task").count }
    }

    /// An attack on the node under observation: nothing that it costs is more than these, and an honest peer is answered
    /// while it holds on.
    ///
    /// - Parameters:
    ///   - attack: prints "holding" when others should look, and ends well after a line or the end of its stdin.
    ///   - memory: MiB that it may cost.
    ///   - slowest: milliseconds of the honest peer's slowest round trip.
    ///   - processor: seconds in each one while nothing but the attack goes on.
    func withstands(
        _ attack: Child, memory: Int = 32, slowest limit: Double = 1000, processor: Double = 0.5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try figures()
        let line = await attack.line { $0 == "holding" }
        #expect(line != nil, "\(attack.errors)", sourceLocation: sourceLocation)
        let busy = try figures()
        try await Task.sleep(for: .seconds(1))
        let later = try figures()
        #expect(later.processor - busy.processor < processor, "\(later)", sourceLocation: sourceLocation)
        let (ping, slowest) = try await ping(10)
        #expect(ping.code == 0 && slowest < limit, "\(slowest) ms, \(ping)", sourceLocation: sourceLocation)
        let end = await PythonPeer.end(attack)
        #expect(end.code == 0, "\(end)", sourceLocation: sourceLocation)
        #expect(try await becomes { $0.descriptors <= before.descriptors }, sourceLocation: sourceLocation)
        let after = try figures()
        #expect(after.peak < before.peak + memory, "\(before) became \(after)", sourceLocation: sourceLocation)
    }

    /// Waits until a condition on the process holds; false when it does not in time.
    func becomes(within limit: Duration = .seconds(15), _ condition: (Figures) -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if condition(try figures()) { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return condition(try figures())
    }
}

/// What a process takes of the machine.
struct Figures: CustomStringConvertible {
    /// Memory that is in use, in MiB.
    let memory: Int
    /// The most that ever was, in MiB.
    let peak: Int
    /// Open descriptors.
    let descriptors: Int
    /// Processor time so far, in seconds.
    let processor: Double

    init(of pid: pid_t) throws {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        func mebibytes(_ key: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
            return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) / 1024
        }
        memory = mebibytes("VmRSS:")
        peak = mebibytes("VmHWM:")
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        let ticks = fields.count > 13 ? (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0) : 0
        processor = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    var description: String { "\(memory) MiB, peak \(peak), \(descriptors) descriptors, \(processor) s" }
}
