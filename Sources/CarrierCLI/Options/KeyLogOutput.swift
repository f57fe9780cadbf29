import Glibc

/// The file that the keys of sessions go to: only its owner may read it, and lines are only ever added.
final class KeyLogOutput: Sendable {
    private let descriptor: Int32
    private let path: String
    private let console: Console

    init(_ path: String, _ console: Console) throws {
        descriptor = path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        self.path = path
        self.console = console
        if descriptor < 0 {
            throw Failure(.exists, target: path, "cannot open the key log: \(Descriptors.reason(errno))")
        }
    }

    deinit {
        if descriptor != STDOUT_FILENO { close(descriptor) }
    }

    /// Adds a line.
    func append(_ line: String) {
        var text = line + "\n"
        let failure = text.withUTF8 { Descriptors.writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
        if failure != 0 { console.diagnostics.error("\(path): cannot write: \(Descriptors.reason(failure))") }
    }
}
