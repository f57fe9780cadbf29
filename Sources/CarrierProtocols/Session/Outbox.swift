public import CarrierCrypto
public import CarrierWire
internal import DequeModule
public import NIOCore

/// The plaintext that waits to be sealed, in the order in which it was given.
///
/// Small frames are copied together, so that a hundred of them become one record; large bodies are kept as they came and
/// sealed from where they lie.
public struct Outbox {
    /// A body of this many bytes or more is not copied.
    private static let largeBody = 2048
    /// A buffer of small frames stops growing here: a full record with room for one more frame.
    private static let tailLimit = 64 * 1024
    /// Memory that is used again: what a tail grows to at the most with small frames.
    private static let spareLimit = 2 * tailLimit

    private struct Piece {
        var bytes: ByteBuffer
        /// Whether the memory is the outbox's own.
        let isOwn: Bool
    }

    private var pieces: Deque<Piece> = []
    /// Small frames, behind all of `pieces`.
    private var tail: ByteBuffer
    /// Memory for the next tail.
    private var spare = ByteBuffer()
    /// How many bytes wait.
    public private(set) var byteCount = 0

    /// - Parameter spare: memory to use for small frames; see `takeSpare`.
    public init(spare: ByteBuffer = ByteBuffer()) {
        tail = spare
        tail.clear()
    }

    /// Whether nothing waits.
    public var isEmpty: Bool { byteCount == 0 }

    /// Puts a frame behind what waits.
    public mutating func append(_ frame: Frame) {
        if frame.body.readableBytes < Self.largeBody {
            frame.encode(into: &tail)
            byteCount += frame.encodedSize
            if tail.readableBytes >= Self.tailLimit { closeTail() }
        } else {
            frame.encodeHeader(into: &tail)
            byteCount += Frame.headerSize
            append(frame.body)
        }
    }

    /// Puts bytes behind what waits.
    public mutating func append(_ bytes: ByteBuffer) {
        byteCount += bytes.readableBytes
        if bytes.readableBytes < Self.largeBody {
            tail.writeImmutableBuffer(bytes)
            if tail.readableBytes >= Self.tailLimit { closeTail() }
        } else {
            closeTail()
            pieces.append(Piece(bytes: bytes, isOwn: false))
        }
    }

    /// Puts a frame behind what waits, its body written in place.
    ///
    /// - Parameters:
    ///   - header: the frame without its body.
    ///   - limit: the most bytes that may wait then, unless the frame is alone.
    ///   - body: appends the body to what it is given.
    /// - Returns: false, and nothing has changed, when there is no room.
    public mutating func append(
        _ header: Frame, limit: Int, body: (inout ByteBuffer) throws -> Void
    ) rethrows -> Bool {
        let start = tail.writerIndex
        let bodyStart = start + Frame.headerSize
        // The header is written once the body's size is known.
        tail.reserveCapacity(minimumWritableBytes: Frame.headerSize)
        tail.moveWriterIndex(to: bodyStart)
        var isKept = false
        defer { if !isKept { tail.moveWriterIndex(to: start) } }
        try body(&tail)
        let size = tail.writerIndex - start
        guard isEmpty || byteCount + size <= limit, let bodySize = UInt32(exactly: tail.writerIndex - bodyStart) else {
            return false
        }
        isKept = true
        tail.withVeryUnsafeMutableBytes { bytes in
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<bodyStart])
            header.storeHeader(in: room, bodySize: bodySize)
        }
        byteCount += size
        if tail.readableBytes >= Self.tailLimit { closeTail() }
        return true
    }

    private mutating func closeTail() {
        guard tail.readableBytes > 0 else { return }
        pieces.append(Piece(bytes: tail, isOwn: true))
        tail = ByteBuffer()
        swap(&tail, &spare)
    }

    /// Seals what waits into records as full as can be, until nothing waits or `enough` bytes were sealed.
    public mutating func seal(
        with sealer: inout RecordSealer, into output: inout ByteBuffer, enough: Int = .max
    ) throws(CryptoError) {
        // The common case is one record of small frames, with its exact size known.
        let records = (min(byteCount, enough) + RecordSealer.fullRecord - 1) / RecordSealer.fullRecord
        output.reserveCapacity(
            minimumWritableBytes: min(byteCount, enough) + records * (2 + AESGCM.tagSize))
        var sealed = 0
        while byteCount > 0, sealed < enough {
            let size = min(byteCount, RecordSealer.fullRecord)
            try sealer.seal(size: size, into: &output) { take throws(CryptoError) in
                try give(size, to: take)
            }
            byteCount -= size
            sealed += size
        }
    }

    /// Hands out the first `size` bytes, piece by piece, and forgets them.
    private mutating func give(_ size: Int, to take: AESGCM.PieceTaker) throws(CryptoError) {
        var missing = size
        while missing > 0 {
            if pieces.isEmpty {
                missing -= try Self.give(upTo: missing, of: &tail, to: take)
                if tail.readableBytes == 0 { tail.clear() }
                return
            }
            missing -= try Self.give(upTo: missing, of: &pieces[0].bytes, to: take)
            if pieces[0].bytes.readableBytes == 0 { keep(pieces.removeFirst()) }
        }
    }

    /// Uses the memory of a piece that is sealed again, where it is of the usual size.
    private mutating func keep(_ piece: consuming Piece) {
        guard piece.isOwn, spare.capacity == 0, piece.bytes.capacity <= Self.spareLimit else { return }
        spare = piece.bytes
        spare.clear()
    }

    private static func give(
        upTo limit: Int, of buffer: inout ByteBuffer, to take: AESGCM.PieceTaker
    ) throws(CryptoError) -> Int {
        let count = min(limit, buffer.readableBytes)
        let result: Result<Void, CryptoError> = buffer.withUnsafeReadableBytes { bytes in
            do throws(CryptoError) {
                return .success(try take(UnsafeRawBufferPointer(rebasing: bytes[..<count])))
            } catch { return .failure(error) }
        }
        try result.get()
        buffer.moveReaderIndex(forwardBy: count)
        return count
    }

    /// Takes the next bytes that wait, as they are; nil when nothing waits.
    public mutating func take() -> ByteBuffer? {
        if pieces.isEmpty { closeTail() }
        guard let next = pieces.popFirst()?.bytes else { return nil }
        byteCount -= next.readableBytes
        return next
    }

    /// Takes all that waits, in order: for a connection that goes on over another link.
    public mutating func takeAll() -> [ByteBuffer] {
        closeTail()
        defer {
            pieces = []
            byteCount = 0
        }
        return pieces.map(\.bytes)
    }

    /// Takes the memory of small frames once nothing waits, to be used for another outbox: idle ones keep none.
    public mutating func takeSpare() -> ByteBuffer? {
        guard isEmpty else { return nil }
        if tail.capacity == 0 || tail.capacity > Self.spareLimit { swap(&tail, &spare) }
        spare = ByteBuffer()
        guard tail.capacity > 0, tail.capacity <= Self.spareLimit else { return nil }
        tail.clear()
        var taken = ByteBuffer()
        swap(&taken, &tail)
        return taken
    }

    /// Gives empty memory for small frames.
    public mutating func giveSpare(_ spare: ByteBuffer) {
        if isEmpty, tail.capacity == 0 { tail = spare }
    }
}
