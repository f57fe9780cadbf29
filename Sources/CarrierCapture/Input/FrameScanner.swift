public import CarrierWire
public import NIOCore

/// Finds frames in bytes that may hold anything else too: what is no frame becomes a gap, and frames and gaps put
/// together are the input.
///
/// What comes out depends on the bytes alone, never on the pieces they came in. Right after a frame (and at the start)
/// any header that carrier-wire(7) §4.4 allows begins a frame; after a gap the scanner is strict: the message must be
/// one that a node can send, and its body must read as it.
public struct FrameScanner {
    /// Something found in the input.
    public struct Item {
        /// Where it begins, in bytes from the start of the input.
        public let offset: UInt64
        /// All of it.
        public let bytes: ByteBuffer
        /// A frame's header; nil for a gap.
        public let header: FrameHeader?
        /// Why this is a gap; empty for a frame.
        public let reason: String

        /// A frame's body.
        public var body: ByteBuffer {
            bytes.getSlice(at: bytes.readerIndex + Frame.headerSize, length: bytes.readableBytes - Frame.headerSize)
                ?? ByteBuffer()
        }
    }

    /// The most bytes of one gap; a longer one comes in several pieces.
    public static let gapLimit = 64 << 10

    /// The most bytes a body may have.
    public let bodyLimit: Int
    private let strictBody: BodyDecoder
    private var buffer = ByteBuffer()
    private var offset: UInt64 = 0
    /// Bytes at the front of the buffer that are known to be no frame.
    private var gap = 0
    private var reason = ""
    private var isInSync = true
    private var isAtEnd = false

    public init(bodyLimit: Int = Frame.defaultBodyLimit) {
        self.bodyLimit = bodyLimit
        strictBody = BodyDecoder()
    }

    /// Bytes that wait for the rest of what they belong to.
    public var waitingBytes: Int { buffer.readableBytes }

    /// Takes the next bytes; take all items before the next piece.
    public mutating func feed(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            // Usual in files: what was fed before is used up, and the piece need not be copied.
            buffer = bytes
        } else {
            if buffer.readerIndex > buffer.readableBytes { buffer.discardReadBytes() }
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Says that no more bytes come: what waits is judged as it is.
    public mutating func finish() { isAtEnd = true }

    /// Says that bytes are missing here: what waits becomes a gap, and the next frame must be found again.
    ///
    /// - Returns: what waited; take it before feeding on.
    public mutating func interrupt(_ cause: String) -> Item? {
        gap = buffer.readableBytes
        isInSync = false
        if reason.isEmpty { reason = cause }
        return takeGap()
    }

    /// Goes on with a new input that begins in sync.
    public mutating func resume() {
        isAtEnd = false
        isInSync = true
    }

    /// Gives whole frames that follow each other without a gap to `take`, for the time of the call, until it refuses one;
    /// `next` goes on from there. Quicker than `next` for small frames, because nothing is made of them here.
    mutating func passFrames(
        to take: (FrameHeader, _ offset: UInt64, UnsafeRawBufferPointer) throws -> Bool
    ) rethrows {
        guard isInSync, gap == 0 else { return }
        let (offset, bodyLimit) = (offset, bodyLimit)
        let passed = try buffer.withUnsafeReadableBytes { bytes in
            var position = 0
            while let header = FrameHeader(bytes, at: position), header.isValid(bodyLimit: bodyLimit),
                header.opcode != .unregistered, header.encodedSize <= bytes.count - position
            {
                let frame = UnsafeRawBufferPointer(rebasing: bytes[position..<(position + header.encodedSize)])
                guard try take(header, offset + UInt64(position), frame) else { break }
                position += header.encodedSize
            }
            return position
        }
        buffer.moveReaderIndex(forwardBy: passed)
        self.offset += UInt64(passed)
    }

    /// The next frame or gap; nil when more bytes are needed or the end is reached.
    public mutating func next() -> Item? {
        while true {
            let left = buffer.readableBytes - gap
            if gap >= Self.gapLimit { return takeGap(Self.gapLimit) }
            guard left > 0 else { return isAtEnd ? takeGap() : nil }
            switch judge(left) {
            case .frame(let header):
                if gap > 0 { return takeGap() }
                return takeFrame(header)
            case .needsMore: return nil
            case .no(let why):
                if reason.isEmpty { reason = why }
                isInSync = false
                gap += 1
                skip()
            }
        }
    }

    private enum Verdict {
        case frame(FrameHeader)
        case needsMore
        case no(String)
    }

    /// Whether a frame begins behind the gap.
    private func judge(_ left: Int) -> Verdict {
        guard let header = FrameHeader(buffer, at: gap) else {
            return isAtEnd ? .no("no frame start") : .needsMore
        }
        guard isPlausible(header) else { return .no("no frame start") }
        guard left >= header.encodedSize else {
            return isAtEnd ? .no("frame cut short: \(left) of \(header.encodedSize) bytes") : .needsMore
        }
        if !isInSync, !strictBody.isReadable(header, body(of: header)) { return .no("no frame start") }
        return .frame(header)
    }

    private func body(of header: FrameHeader) -> ByteBuffer {
        buffer.getSlice(at: buffer.readerIndex + gap + Frame.headerSize, length: header.bodyLength) ?? ByteBuffer()
    }

    private func isPlausible(_ header: FrameHeader) -> Bool {
        // Opcode 0 is never sent, and a run of zeros would be nothing but such frames.
        guard header.isValid(bodyLimit: bodyLimit), header.opcode != .unregistered else { return false }
        if isInSync { return true }
        let isOwn = header.opcode.builtInName != nil
        let flags = Frame.Flags(rawValue: header.flags)
        // Application opcodes are small numbers in practice; large ones are mostly bytes read at a wrong offset.
        return (isOwn ? header.codec == 0 : header.opcode.isApplication && header.opcode.rawValue < 1 << 24)
            && (header.nonce == 0) == flags.isDisjoint(with: [.request, .reply, .needsAck])
            && Self.usualFlags(of: header.opcode, flags)
    }

    /// Whether a node sends a message of this opcode with these flags (carrier-wire(7) §4.4).
    private static func usualFlags(of opcode: Opcode, _ flags: Frame.Flags) -> Bool {
        switch opcode {
        case .bytes: flags.isDisjoint(with: [.request, .reply])
        case .keepalive, .ping, .lookupNodeRequest, .metricRequest, .reachabilityRequest: flags == .request
        case .keepaliveResponse, .pong, .lookupNodeResponse, .metricResponse, .reachabilityResponse: flags == .reply
        case .proxyRequest: flags.isSubset(of: .request)
        case .proxyResponse: flags.isSubset(of: .reply)
        case .ackResponse, .disconnect: flags.isEmpty
        default: !flags.contains(.endOfStream) && !flags.isSuperset(of: [.request, .reply])
        }
    }

    /// Passes over bytes behind the gap that cannot begin a frame: the two reserved bytes must be zero.
    private mutating func skip() {
        let (gap, limit) = (gap, Self.gapLimit)
        self.gap = buffer.withUnsafeReadableBytes { raw in
            var position = gap
            while position < limit, position + Frame.headerSize <= raw.count {
                if raw[position + 11] != 0 {
                    // No header may have this byte as either of its reserved two.
                    position += 2 > limit - position ? 1 : 2
                } else if raw[position + 10] != 0 {
                    position += 1
                } else {
                    break
                }
            }
            return position
        }
    }

    private mutating func takeFrame(_ header: FrameHeader) -> Item? {
        guard let bytes = buffer.readSlice(length: header.encodedSize) else { return nil }
        defer { offset += UInt64(header.encodedSize) }
        isInSync = true
        reason = ""
        return Item(offset: offset, bytes: bytes, header: header, reason: "")
    }

    private mutating func takeGap(_ limit: Int = .max) -> Item? {
        let count = min(gap, limit)
        guard count > 0, let bytes = buffer.readSlice(length: count) else { return nil }
        defer {
            offset += UInt64(count)
            gap -= count
            if gap == 0 { reason = "" }
        }
        return Item(offset: offset, bytes: bytes, header: nil, reason: reason.isEmpty ? "no frame start" : reason)
    }
}
