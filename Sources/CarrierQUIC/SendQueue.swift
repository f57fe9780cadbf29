#if QUIC
    internal import CQUIC
    internal import DequeModule
    internal import Glibc
    internal import NIOCore

    /// The bytes of a stream from when they are given until the other side has them. The library keeps pointers to them: they
    /// stay where they are for as long as they are in here.
    struct SendQueue {
        /// Chunks looked at in one go.
        static let batch = 16

        private struct Chunk {
            /// Keeps the memory. Nobody else writes to it: a buffer that is shared is copied before it is changed.
            let owner: ByteBuffer
            let bytes: UnsafeRawBufferPointer
        }

        private var chunks: Deque<Chunk> = []
        /// The first chunk that has unsent bytes, and how many of it were sent.
        private var sentChunks = 0
        private var sentOfNext = 0
        /// How many bytes of the first chunk the other side has.
        private var acknowledgedOfFirst = 0
        /// Bytes that were not sent yet.
        private(set) var unsent = 0

        var isEmpty: Bool { chunks.isEmpty }

        mutating func append(_ buffer: ByteBuffer) {
            guard buffer.readableBytes > 0 else { return }
            let bytes = buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes }
            chunks.append(Chunk(owner: buffer, bytes: bytes))
            unsent += bytes.count
        }

        /// Hands out what was not sent yet.
        func withUnsent<Value>(_ body: (UnsafeBufferPointer<iovec>, _ isAll: Bool) -> Value) -> Value {
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.batch) { parts in
                let end = min(chunks.count, sentChunks + Self.batch)
                var count = 0
                for index in sentChunks..<max(sentChunks, end) {
                    let skip = index == sentChunks ? sentOfNext : 0
                    let bytes = chunks[index].bytes
                    parts.initializeElement(
                        at: count,
                        to: iovec(
                            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress?.advanced(by: skip)),
                            iov_len: bytes.count - skip))
                    count += 1
                }
                return body(UnsafeBufferPointer(rebasing: parts[..<count]), end >= chunks.count)
            }
        }

        /// So many bytes went out.
        mutating func sent(_ count: Int) {
            unsent -= count
            var left = count
            while left > 0, sentChunks < chunks.count {
                let step = min(left, chunks[sentChunks].bytes.count - sentOfNext)
                left -= step
                sentOfNext += step
                if sentOfNext == chunks[sentChunks].bytes.count {
                    sentChunks += 1
                    sentOfNext = 0
                }
            }
        }

        /// The other side has so many more bytes.
        mutating func acknowledged(_ count: Int) {
            var left = count
            while left > 0, sentChunks > 0 || left <= sentOfNext, let first = chunks.first {
                let step = min(left, first.bytes.count - acknowledgedOfFirst)
                left -= step
                acknowledgedOfFirst += step
                guard acknowledgedOfFirst == first.bytes.count, sentChunks > 0 else { return }
                chunks.removeFirst()
                sentChunks -= 1
                acknowledgedOfFirst = 0
            }
        }
    }
#endif
