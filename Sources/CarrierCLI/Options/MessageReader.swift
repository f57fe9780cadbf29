import Glibc
import NIOCore

/// Cuts a file or stdin into messages: lines, the whole, or each behind its length (`u32`, little-endian).
actor MessageReader {
    private let descriptor: Int32
    private let path: String
    private let form: BroadcastCommand.Frames
    private let limit: Int
    private var waiting = ByteBuffer()
    private var isAtEnd = false
    private var isDone = false

    /// - Parameter limit: the most bytes of one message; a longer one is an error, never cut.
    init(_ path: String, _ form: BroadcastCommand.Frames, limit: Int) throws {
        self.path = path == "-" ? "stdin" : path
        self.form = form
        self.limit = limit
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))") }
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// The next message; nil at the end. Waits on a thread of the pool.
    func next() async throws -> ByteBuffer? {
        // Detached, for a task of the node's loop would wait there.
        try await Task.detached { try await self.read() }.value
    }

    private func read() throws -> ByteBuffer? {
        while true {
            if isDone { return nil }
            if let message = try cut() { return message }
            if isAtEnd { return try rest() }
            try more()
        }
    }

    /// The next message, when it is whole.
    private func cut() throws -> ByteBuffer? {
        switch form {
        case .lines:
            let view = waiting.readableBytesView
            guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
                try check(waiting.readableBytes)
                return nil
            }
            let line = waiting.readSlice(length: end - view.startIndex)
            waiting.moveReaderIndex(forwardBy: 1)
            try check(line?.readableBytes ?? 0)
            return line
        case .whole:
            try check(waiting.readableBytes)
            return nil
        case .len32:
            guard let length = waiting.getInteger(at: waiting.readerIndex, endianness: .little, as: UInt32.self) else {
                return nil
            }
            try check(Int(length))
            guard waiting.readableBytes >= 4 + Int(length) else { return nil }
            waiting.moveReaderIndex(forwardBy: 4)
            return waiting.readSlice(length: Int(length))
        }
    }

    /// What is left at the end.
    private func rest() throws -> ByteBuffer? {
        isDone = true
        if form == .len32, waiting.readableBytes > 0 {
            throw Failure(.data, target: path, "expected a whole message, got \(waiting.readableBytes) bytes of one")
        }
        return waiting.readableBytes > 0 ? waiting : nil
    }

    private func check(_ count: Int) throws {
        guard count <= limit else {
            throw Failure(.data, target: path, "expected a message of at most \(limit) bytes, got \(count) or more")
        }
    }

    private func more() throws {
        var failure: Int32 = 0
        waiting.discardReadBytes()
        let count = waiting.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 * 1024) { room in
            while true {
                let count = Glibc.read(descriptor, room.baseAddress, room.count)
                if count >= 0 { return count }
                if errno == EINTR { continue }
                failure = errno
                return 0
            }
        }
        if failure != 0 { throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(failure))") }
        if count == 0 { isAtEnd = true }
    }
}
