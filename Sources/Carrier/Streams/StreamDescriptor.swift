internal import CStream
internal import Glibc
internal import NIOCore

/// A file descriptor that bytes are read from or written to without waiting for it, where that can be: pipes from Linux 6.4
/// on, and sockets. Its flags stay as they are: other processes may share them.
package struct StreamDescriptor: Sendable {
    /// What came of a read or a write that does not wait.
    enum Outcome: Equatable {
        /// So many bytes.
        case bytes(Int)
        /// Nothing now.
        case notYet
        /// The system can do this only by waiting, now and later.
        case byWaiting
        /// The system's error.
        case failed(Int32)
    }

    /// Bytes that a pipe may hold: few enough that they are still in a core's cache when the next program takes them.
    private static let pipeSize: Int32 = 256 * 1024
    /// Pieces of one write.
    private static let pieces = 64

    let number: Int32
    /// Whether trying is of use. A file is always waited for: even a call that does not wait for the disk waits for others who
    /// share its position.
    let hasOtherEnd: Bool
    /// Whether it is a regular file: what is read of it ends by itself.
    let isFile: Bool

    init(_ number: Int32) {
        self.number = number
        hasOtherEnd = Self.hasOtherEnd(number)
        isFile = Self.kind(of: number) == S_IFREG
        cstream_enlarge_pipe(number, Self.pipeSize)
    }

    /// Whether a descriptor is a pipe or a socket: something whose other end can go away.
    package static func hasOtherEnd(_ number: Int32) -> Bool {
        let kind = kind(of: number)
        return kind == S_IFIFO || kind == S_IFSOCK
    }

    private static func kind(of number: Int32) -> mode_t {
        var information = stat()
        return fstat(number, &information) == 0 ? information.st_mode & S_IFMT : 0
    }

    /// Reads what is there behind what `buffer` holds, at most so many bytes. That nothing comes any more is not said here but
    /// by a read that waits: some systems say so too early.
    func read(into buffer: inout ByteBuffer, atMost size: Int) -> Outcome {
        var outcome = Outcome.byWaiting
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            outcome = Self.outcome(cstream_read(number, room.baseAddress, min(room.count, size)))
            return if case .bytes(let count) = outcome { count } else { 0 }
        }
        return outcome == .bytes(0) ? .notYet : outcome
    }

    /// Writes as many bytes of the pieces, one after the other, as there is room for now.
    func write(_ pieces: [ByteBuffer]) -> Outcome {
        var vectors: [iovec] = []
        vectors.reserveCapacity(min(pieces.count, Self.pieces))
        return write(pieces.prefix(Self.pieces), behind: &vectors)
    }

    /// Bytes that were written to a descriptor and that nobody has read; 0 where the system does not say.
    package static func unread(_ number: Int32) -> Int {
        var count: Int32 = 0
        return ioctl(number, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// Nested, for a buffer's memory stays where it is only as long as it is borrowed.
    private func write(_ pieces: ArraySlice<ByteBuffer>, behind vectors: inout [iovec]) -> Outcome {
        guard let first = pieces.first else {
            return Self.outcome(cstream_write(number, vectors, Int32(vectors.count)))
        }
        return first.withUnsafeReadableBytes { bytes in
            vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
            return write(pieces.dropFirst(), behind: &vectors)
        }
    }

    private static func outcome(_ result: Int) -> Outcome {
        switch result {
        case 0...: .bytes(result)
        case -Int(EAGAIN): .notYet
        // The last of them is what a sandbox says to a call that it does not know.
        case -Int(EOPNOTSUPP), -Int(ENOSYS), -Int(EINVAL), -Int(EPERM): .byWaiting
        default: .failed(Int32(clamping: -result))
        }
    }
}
