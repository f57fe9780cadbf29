import Carrier
import Glibc
import NIOCore

/// The routing table in a directory, so that a node that comes back knows whom to ask.
struct ContactsFile: Sendable {
    /// How often it is written.
    private static let interval: Duration = .seconds(60)
    /// More than a full table takes.
    private static let sizeLimit = 16 << 20

    private let directory: String
    private let node: Node
    private let console: Console
    private var path: String { "\(directory)/contacts" }

    init(directory: String, _ node: Node, _ console: Console) {
        self.directory = directory
        self.node = node
        self.console = console
    }

    /// Reads the file, where there is one. A damaged one costs what is damaged.
    func restore() async throws {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw Failure(.exists, target: directory, "cannot create: \(Descriptors.reason(errno))")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))")
        }
        defer { close(descriptor) }
        var bytes = ByteBuffer()
        var count = 0
        repeat {
            count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 * 1024) {
                max(0, read(descriptor, $0.baseAddress, $0.count))
            }
        } while count > 0 && bytes.readableBytes < Self.sizeLimit
        guard let restored = await node.restoreContacts(bytes) else { return }
        if restored.damagedBytes > 0 {
            console.diagnostics.warning("\(path): \(restored.damagedBytes) damaged bytes were left out")
        }
        console.diagnostics.note("\(path): \(restored.contacts) contacts")
    }

    /// Writes the file now and then, until the task is cancelled.
    func keepSaving() async throws -> ExitCode? {
        while true {
            try await Task.sleep(for: Self.interval)
            try await save()
        }
    }

    /// Writes the file: whole, or not at all.
    func save() async throws {
        let bytes = await node.savedContacts()
        let temporary = "\(path).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        let status = bytes.withUnsafeReadableBytes { Descriptors.writeAll($0, to: descriptor) }
        let isSynced = fsync(descriptor) == 0
        close(descriptor)
        guard status == 0, isSynced, rename(temporary, path) == 0 else {
            let failure = failure()
            unlink(temporary)
            throw failure
        }
    }

    private func failure() -> Failure { Failure(.io, target: path, "cannot write: \(Descriptors.reason(errno))") }
}
