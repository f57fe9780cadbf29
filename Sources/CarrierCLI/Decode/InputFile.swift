import Glibc
import NIOCore

/// A file, a pipe or stdin, read piece by piece. Before it waits for a pipe, what was found so far is written out.
final class InputFile {
    private static let pieceSize = 128 << 10

    let name: String
    /// Whether the input can still grow: a pipe, a socket, a terminal.
    let isLive: Bool
    private let descriptor: Int32
    private let beforeWaiting: () -> Void

    /// - Parameter path: `-` is stdin.
    init(_ path: String, beforeWaiting: @escaping () -> Void) throws {
        name = path == "-" ? "stdin" : path
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))")
        }
        var information = stat()
        let isKnown = fstat(descriptor, &information) == 0
        if isKnown, information.st_mode & S_IFMT == S_IFDIR {
            if descriptor != STDIN_FILENO { close(descriptor) }
            throw Failure(.noinput, target: path, "expected a file, got a directory")
        }
        isLive = !isKnown || information.st_mode & S_IFMT != S_IFREG
        self.beforeWaiting = beforeWaiting
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The next bytes, as many as are there; nil at the end, or when the command is to stop.
    func next() throws -> ByteBuffer? {
        if isLive, try !waitForInput() { return nil }
        if Task.isCancelled { return nil }
        var piece = ByteBuffer()
        piece.reserveCapacity(Self.pieceSize)
        while true {
            var failure: Int32 = 0
            let count = piece.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceSize) { room in
                let count = read(descriptor, room.baseAddress, room.count)
                if count < 0 { failure = errno }
                return max(0, count)
            }
            if failure == 0 { return count > 0 ? piece : nil }
            guard failure == EINTR || failure == EAGAIN else {
                throw Failure(.noinput, target: name, "cannot read: \(Descriptors.reason(failure))")
            }
        }
    }

    /// Waits until there is something to read or the end; false when the command is to stop.
    private func waitForInput() throws -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&waiting, 1, 0) > 0 { return true }
        beforeWaiting()
        while !Task.isCancelled {
            // Short enough to be told to stop in time; a signal arrives on another thread.
            if poll(&waiting, 1, 100) > 0 { return true }
        }
        return false
    }
}
