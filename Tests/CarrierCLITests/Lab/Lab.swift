import Foundation
import Testing

/// The network of routers in namespaces, `../shared/lab/nat-lab`. There is one a machine: every suite that uses it is
/// nested in `LabTests`, whose tests run one after the other, and other runs wait for `LabLock`.
final class Lab: Sendable {
    private let scratch: Scratch

    private static let script = Scratch.package + "/../shared/lab/nat-lab"

    /// Why there is no lab here; nil where there is one.
    static let obstacle: String? = {
        if getuid() != 0 { return "the NAT lab needs root" }
        if !FileManager.default.isExecutableFile(atPath: script) { return "../shared/lab/nat-lab is not there" }
        let missing = ["ip", "ss", "nft", "flock", "miniupnpd", "python3"].filter { program in
            !Scratch.has(program) && !["/usr/sbin", "/sbin"].contains { access("\($0)/\(program)", X_OK) == 0 }
        }
        if !Permission.ownNetwork { return "the NAT lab needs the right to networks of its own" }
        return missing.isEmpty ? nil : "the NAT lab needs \(missing.joined(separator: ", "))"
    }()

    private let lock: LabLock

    private init() async throws {
        scratch = try Scratch()
        lock = try await LabLock()
    }

    /// Builds the lab, runs `body` in it, and takes it down again.
    static func with(_ options: String = "", _ body: (Lab) async throws -> Void) async throws {
        let lab = try await Lab()
        _ = try await lab.nat("down")
        let up = try await lab.nat("up \(options)")
        try #require(up.code == 0, "\(up)")
        do {
            try await body(lab)
        } catch {
            _ = try await lab.nat("down")
            throw error
        }
        _ = try await lab.nat("down")
    }

    /// Runs `nat-lab WORDS` in a shell.
    func nat(_ words: String) async throws -> Outcome { try await scratch.shell("\(Self.script) \(words)") }

    /// What runs a command on a host when it stands before it.
    func runner(on host: String) -> String { "\(Self.script) exec \(host)" }

    /// Runs a command on a host to its end.
    func on(_ host: String, _ command: String, limit: Duration = .seconds(30)) async throws -> Outcome {
        try await start(host, command, limit: limit).outcome()
    }

    /// Starts a command on a host; signals reach the command itself.
    func start(_ host: String, _ command: String, limit: Duration = .seconds(60)) throws -> Child {
        try scratch.startShell("exec \(Self.script) exec \(host) \(command)", limit: limit)
    }

    /// The mappings of the router `r1`, as its firewall has them.
    func mappings() async throws -> [String] {
        try await on("r1", "nft list chain inet nat_lab prerouting_miniupnpd").lines.filter { $0.contains(" dnat ") }
    }

    /// Waits until `r1` has so many mappings.
    func settles(at count: Int, within limit: Duration = .seconds(10)) async throws -> Bool {
        let end = ContinuousClock.now + limit
        repeat {
            if try await mappings().count == count { return true }
            try await Task.sleep(for: .milliseconds(200))
        } while ContinuousClock.now < end
        return false
    }

    /// Writes a file for commands on the hosts; returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        try scratch.write(text, to: name)
        return "\(scratch.path)/\(name)"
    }
}

/// All tests in the lab.
@Suite(
    "In the NAT lab", .serialized, .enabled(if: Lab.obstacle == nil, "\(Lab.obstacle ?? "")"), .timeLimit(.minutes(10)))
enum LabTests {}
