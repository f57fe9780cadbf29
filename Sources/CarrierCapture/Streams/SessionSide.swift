internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// One direction of a connection: cut into preface, handshake messages and records; records opened where a key is
/// known; what cannot be read reported as gaps.
struct SessionSide {
    /// Something that was cut out of the stream: its two bytes of length and its body.
    struct Piece {
        let offset: UInt64
        let whole: ByteBuffer
        var body: ByteBuffer { whole.getSlice(at: whole.readerIndex + 2, length: whole.readableBytes - 2) ?? whole }
    }

    enum Step {
        case handshake(Piece)
        case record(Piece)
        /// A segment of a stream whose record boundaries are not known.
        case unsynchronised(ByteBuffer)
    }

    private enum State {
        case preface
        case handshake
        case records
        /// The rest of a record that lacks bytes; then records go on.
        case skipping(UInt64)
        case unsynchronised
    }

    /// The most bytes of a handshake message.
    private static let handshakeLimit = 4096
    /// Records that are tried for one segment after a loss of unknown extent.
    private static let tryLimit: UInt64 = 1024

    private(set) var place: RecordEmitter.Place
    private let emitter: RecordEmitter
    private var state = State.preface
    private var buffer = ByteBuffer()
    /// Where the buffer begins in the stream.
    private var offset: UInt64 = 0
    private(set) var handshakeMessages = 0
    /// The number of the next record; nil where the beginning is missing.
    private var record: UInt64?
    /// Bytes since the last known record boundary, for the most records that may lie between.
    private var missing: UInt64 = 0
    private var scanner: FrameScanner
    private var gap: (offset: UInt64, length: UInt64, reason: String)?
    var decryptor: RecordDecryptor?
    var isInitiator: Bool? { didSet { place.stream?.isFromInitiator = isInitiator } }

    init(_ place: RecordEmitter.Place, bodyLimit: Int, emitter: RecordEmitter) {
        self.place = place
        self.emitter = emitter
        scanner = FrameScanner(bodyLimit: bodyLimit)
    }

    var heldBytes: Int { buffer.readableBytes + scanner.waitingBytes }

    mutating func take(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    private mutating func cut(_ count: Int) -> ByteBuffer? {
        guard let bytes = buffer.readSlice(length: count) else { return nil }
        offset += UInt64(count)
        return bytes
    }

    /// The next step that the session as a whole must take part in; nil when more bytes are needed.
    mutating func next() throws -> Step? {
        while buffer.readableBytes > 0 {
            switch state {
            case .preface:
                guard Preface.canBegin(with: buffer) else {
                    state = .unsynchronised
                    continue
                }
                guard try preface() else { return nil }
            case .handshake:
                guard let size = pieceSize else { return nil }
                guard size <= Self.handshakeLimit + 2 else {
                    state = .unsynchronised
                    continue
                }
                return piece().map { .handshake($0) }
            case .records: return piece().map { .record($0) }
            case .skipping(let left):
                let from = offset
                guard let bytes = cut(Int(min(left, UInt64(buffer.readableBytes)))) else { return nil }
                try extendGap("record with a lost segment", from, bytes)
                state = left > UInt64(bytes.readableBytes) ? .skipping(left - UInt64(bytes.readableBytes)) : .records
            case .unsynchronised: return .unsynchronised(buffer)
            }
        }
        return nil
    }

    private mutating func preface() throws -> Bool {
        let from = offset
        guard buffer.readableBytes >= Preface.size, let bytes = cut(Preface.size) else { return false }
        var reading = bytes
        guard let preface = Preface(&reading) else { return false }
        let isKnown = preface.version == Preface.currentVersion
        try emitter.unit(
            .preface, "preface",
            [
                Field("version", .count(preface.version)), Field("flags", .count(preface.flags)),
                Field("network", .count(preface.network)),
            ], problem: isKnown ? nil : "expected version \(Preface.currentVersion), got \(preface.version)",
            offset: from, bytes: bytes, place)
        state = .handshake
        return true
    }

    /// Length prefix and body of what comes next.
    private var pieceSize: Int? {
        buffer.getInteger(at: buffer.readerIndex, endianness: .little, as: UInt16.self).map { Int($0) + 2 }
    }

    private mutating func piece() -> Piece? {
        let from = offset
        guard let size = pieceSize, let whole = cut(size) else { return nil }
        return Piece(offset: from, whole: whole)
    }

    /// Goes on behind a handshake message; behind its last one, with records.
    mutating func handshakeDone(isLast: Bool) {
        handshakeMessages += 1
        guard isLast else { return }
        state = .records
        record = 0
    }

    /// Shows a record and, where a key is known, the frames in it.
    mutating func open(_ piece: Piece) throws {
        try flushGap()
        let sealed = piece.body
        var fields = [Field("bytes", .count(sealed.readableBytes))]
        if let record { fields.append(Field("record", .count(record))) }
        var problem: String?
        var plaintext: ByteBuffer?
        if sealed.readableBytes < AESGCM.tagSize {
            problem = "expected at least \(AESGCM.tagSize) bytes, got \(sealed.readableBytes)"
        } else if let record, decryptor != nil {
            plaintext = try? decryptor?.open(sealed, number: record)
            fields.append(Field("opened", .bool(plaintext != nil)))
            if plaintext == nil { problem = "authentication tag does not fit the logged key" }
        }
        try emitter.unit(
            .record, "record", fields, problem: problem, failsCheck: decryptor != nil && problem != nil,
            offset: piece.offset, bytes: piece.whole, place)
        record? += 1
        missing = 0
        if let plaintext {
            try scan(plaintext)
        } else if decryptor != nil {
            try interruptFrames("record that could not be opened")
        }
    }

    private var framePlace: RecordEmitter.Place {
        var place = place
        place.isDerived = true
        place.base = 0
        return place
    }

    private mutating func scan(_ plaintext: ByteBuffer) throws {
        scanner.feed(plaintext)
        let place = framePlace
        while let item = scanner.next() { try emitter.item(item, place) }
    }

    private mutating func interruptFrames(_ reason: String) throws {
        if let item = scanner.interrupt(reason) { try emitter.item(item, framePlace) }
    }

    /// Looks for a record boundary at the beginning of a segment: with the key, by what opens; without, by lengths that
    /// fill the segment exactly.
    mutating func resynchronise(_ segment: ByteBuffer) throws {
        if place.stream != nil, let number = boundary(in: segment) {
            record = number
            state = .records
            missing = 0
            return
        }
        let from = offset
        guard let bytes = cut(segment.readableBytes) else { return }
        missing += UInt64(bytes.readableBytes)
        let reason =
            handshakeMessages == 0
            ? "no preface: another protocol, or the capture begins in its middle" : "no record boundary known"
        try extendGap(reason, from, bytes)
    }

    /// The number of the record that begins here; nil inside when records follow of unknown number, nil when none do.
    private mutating func boundary(in segment: ByteBuffer) -> UInt64?? {
        var rest = segment
        var count = 0
        while let length = rest.readInteger(endianness: .little, as: UInt16.self) {
            guard length >= AESGCM.tagSize, let sealed = rest.readSlice(length: Int(length)) else { break }
            if count == 0, let record, decryptor != nil {
                let most = min(missing / UInt64(AESGCM.tagSize + 2) + 1, Self.tryLimit)
                for number in record...(record + most)
                where (try? decryptor?.open(sealed, number: number)) != nil { return .some(number) }
                return nil
            }
            count += 1
            if rest.readableBytes == 0 { return .some(nil) }
        }
        return nil
    }

    /// Notes that bytes are missing.
    mutating func lose(_ count: UInt64) throws {
        let held = UInt64(buffer.readableBytes)
        let size = pieceSize.map(UInt64.init)
        var after = State.unsynchronised
        switch state {
        case .records:
            if let size, count <= size - held {
                // The length was seen, so the next boundary is known in spite of the loss.
                record? += 1
                after = count == size - held ? .records : .skipping(size - held - count)
            }
            missing += held
        case .skipping(let left) where count <= left:
            after = count == left ? .records : .skipping(left - count)
        default: break
        }
        if let bytes = cut(buffer.readableBytes) {
            try extendGap("cut by a lost segment", offset - held, bytes)
        }
        try flushGap()
        try emitter.gap("lost segment", offset, count, nil, place)
        offset += count
        missing += count
        try interruptFrames("lost segment")
        state = after
    }

    /// Judges what waits as it is.
    mutating func finish() throws {
        if let bytes = cut(buffer.readableBytes) {
            let from = offset - UInt64(bytes.readableBytes)
            try extendGap("cut short: the capture or the connection ends here", from, bytes)
        }
        try flushGap()
        scanner.finish()
        let place = framePlace
        while let item = scanner.next() { try emitter.item(item, place) }
    }

    /// In a capture gaps of neighbouring segments are one; a recording of a single direction gives its bytes at once.
    private mutating func extendGap(_ reason: String, _ from: UInt64, _ bytes: ByteBuffer) throws {
        let length = UInt64(bytes.readableBytes)
        guard length > 0 else { return }
        if !place.isDerived { return try emitter.gap(reason, from, length, bytes, place) }
        if let open = gap, open.reason == reason, open.offset + open.length == from {
            gap = (open.offset, open.length + length, reason)
        } else {
            try flushGap()
            gap = (from, length, reason)
        }
    }

    private mutating func flushGap() throws {
        guard let gap else { return }
        self.gap = nil
        try emitter.gap(gap.reason, gap.offset, gap.length, nil, place)
    }
}
