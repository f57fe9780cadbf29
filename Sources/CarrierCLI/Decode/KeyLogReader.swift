import CarrierCapture
import CarrierCrypto
import Glibc

/// A key log that may still be written to: read again when a session is not in it.
final class KeyLogReader {
    /// How long a session's line may take to appear: a node writes it while the capture already shows its records.
    private static let patience: Duration = .milliseconds(500)

    private let path: String
    private let diagnostics: Diagnostics
    private var log = KeyLog()
    private var position: off_t = 0
    /// The beginning of a line whose end is not there yet.
    private var unfinished: [UInt8] = []
    /// Sessions that were asked for and not found, the latest at least.
    private var missed: Set<Bytes32> = []
    /// Whether the input is live, so that waiting for a line can be worth it.
    var isLive = false

    init(_ path: String, _ diagnostics: Diagnostics) {
        self.path = path
        self.diagnostics = diagnostics
    }

    /// Reads what is there.
    ///
    /// - Throws: a `Failure` when there is no file and none can come any more.
    func load(mayCome: Bool) throws {
        do {
            try readOn()
        } catch let failure as Failure {
            guard mayCome, !TextFile.exists(path) else { throw failure }
            diagnostics.note("\(path): no key log yet; sessions are opened once it is there")
        }
    }

    /// The keys of a session.
    func keys(_ ephemeral: Bytes32) -> SessionKeys? {
        if let keys = log[ephemeral] { return keys }
        // Only the first time is worth waiting for: a session of somebody else's never appears.
        if missed.count > 10_000 { missed = [] }
        let isFirst = missed.insert(ephemeral).inserted
        let limit = ContinuousClock.now + Self.patience
        repeat {
            try? readOn()
            if let keys = log[ephemeral] { return keys }
            if isLive && isFirst { usleep(10_000) }
        } while isLive && isFirst && .now < limit && !Task.isCancelled
        return nil
    }

    private func readOn() throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))")
        }
        defer { close(descriptor) }
        guard lseek(descriptor, 0, SEEK_END) > position || position == 0 else { return }
        lseek(descriptor, position, SEEK_SET)
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { break }
            position += off_t(count)
            unfinished += block.prefix(count)
        }
        guard let end = unfinished.lastIndex(of: 0x0a) else { return }
        let malformed = log.add(String(decoding: unfinished[...end], as: UTF8.self))
        unfinished.removeSubrange(...end)
        if !malformed.isEmpty { diagnostics.warning("\(path): \(malformed.count) lines are no whole key log lines") }
    }
}
