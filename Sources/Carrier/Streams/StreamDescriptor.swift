internal import CStream
internal import Glibc
internal import NIOCore

/// A file descriptor that bytes are read from or written to without waiting for it, where the system can do that: files,
/// pipes and sockets; not terminals, and not pipes before Linux 6.4. It is left as it was found: others may share it.
struct StreamDescriptor: Sendable {
    /// What came of a read or a write that does not wait.
    enum Outcome: Equatable {
        /// So many bytes; for a read, 0 is the end.
        case bytes(Int)
        /// Nothing now.
        case notYet
        /// Nothing, and trying again is of no use: to be had by waiting only, and an error, if it is one, with it.
        case byWaiting
    }

    /// Bytes that a pipe may hold: few enough that they are still in a core's cache when the next program takes them.
    private static let pipeSize: Int32 = 256 * 1024
    /// Pieces of one write.
    private static let pieces = 64

    let number: Int32

    init(_ number: Int32) {
        self.number = number
        cstream_set_pipe_size(number, Self.pipeSize)
    }

    /// Reads what is there behind what `buffer` holds, at most so many bytes.
    func read(into buffer: inout ByteBuffer, atMost size: Int) -> Outcome {
        var outcome = Outcome.byWaiting
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            outcome = Self.outcome(cstream_read(number, room.baseAddress, min(room.count, size)))
            return if case .bytes(let count) = outcome { count } else { 0 }
        }
        return outcome
    }

    /// Writes as many bytes of the pieces, one after the other, as there is room for now.
    func write(_ pieces: [ByteBuffer]) -> Outcome {
        var vectors: [iovec] = []
        vectors.reserveCapacity(min(pieces.count, Self.pieces))
        return write(pieces.prefix(Self.pieces), behind: &vectors)
    }

    /// Bytes that were written to it and that nobody has read; 0 where the system does not say.
    var unread: Int {
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
        default: .byWaiting
        }
    }
}
