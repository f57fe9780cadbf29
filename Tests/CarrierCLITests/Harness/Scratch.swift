import Foundation

/// A directory for one test, and the ways to run the real binary in it; gone when the test is.
final class Scratch: Sendable {
    /// The directory.
    let path: String

    init() throws {
        var template = Array("/tmp/carrier-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("mkdtemp") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The directory that holds the binary: where the tests themselves lie.
    static let binaries = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    /// The package.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// What every child finds in its environment: nothing of the machine but the path.
    func environment(_ more: [String: String] = [:]) -> [String: String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return [
            "PATH": "\(Self.binaries):\(path)", "HOME": self.path, "TMPDIR": self.path, "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
        ].merging(more) { _, new in new }
    }

    /// Starts `carrier ARGUMENTS…` in the directory.
    func start(
        _ arguments: String..., environment: [String: String] = [:], input: Bool = false,
        limit: Duration = .seconds(30)
    ) throws -> Child {
        try Child(
            "\(Self.binaries)/carrier", arguments, environment: self.environment(environment), directory: path,
            input: input, limit: limit)
    }

    /// Runs `carrier ARGUMENTS…` to its end.
    func carrier(
        _ arguments: String..., environment: [String: String] = [:], limit: Duration = .seconds(30)
    ) async throws -> Outcome {
        try await Child(
            "\(Self.binaries)/carrier", arguments, environment: self.environment(environment), directory: path,
            limit: limit
        ).outcome()
    }

    /// Starts a bash script in which `carrier` is the binary; a pipeline fails where any part of it does.
    func startShell(
        _ script: String, environment: [String: String] = [:], limit: Duration = .seconds(30)
    ) throws -> Child {
        try Child(
            "bash", ["-o", "pipefail", "-c", script], environment: self.environment(environment), directory: path,
            limit: limit)
    }

    /// Runs a bash script to its end.
    func shell(
        _ script: String, environment: [String: String] = [:], limit: Duration = .seconds(30)
    ) async throws -> Outcome {
        try await startShell(script, environment: environment, limit: limit).outcome()
    }

    /// Writes a file.
    func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }

    /// A file's text.
    func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    /// Names in the directory, sorted.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Whether a program is on the path, for tests that need it.
    static func has(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains { directory in
            FileManager.default.isExecutableFile(atPath: "\(directory)/\(program)")
        }
    }
}
