internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// Makes records of what the decoding stages find, numbers them and hands them on.
final class RecordEmitter {
    /// How a place in the input is described.
    struct Place {
        /// Added to offsets: where the bytes at hand begin.
        var base: UInt64 = 0
        var isDerived = false
        var stream: StreamInfo?
        var direction: CaptureRecord.Direction?
        var peer: PeerID?
    }

    private let sink: (CaptureRecord) throws -> Void
    private let plainSink: ((PlainFrame) throws -> Void)?
    let bodies: BodyDecoder
    /// Whether the bytes around the units are wanted.
    let wantsContainers: Bool
    private var count = 0

    init(
        bodies: BodyDecoder, wantsContainers: Bool, plain: ((PlainFrame) throws -> Void)?,
        sink: @escaping (CaptureRecord) throws -> Void
    ) {
        self.bodies = bodies
        self.wantsContainers = wantsContainers
        plainSink = plain
        self.sink = sink
    }

    /// Hands on the frames of a plain stream that go the short way, up to the first that does not.
    func plainFrames(_ scanner: inout FrameScanner) throws {
        guard let plainSink else { return }
        var count = count
        defer { self.count = count }
        try scanner.passFrames { header, offset, bytes in
            guard PlainFrame.isPlain(header) else { return false }
            count += 1
            try plainSink(PlainFrame(number: count, offset: offset, header: header, bytes: bytes))
            return true
        }
    }

    /// Hands on a frame or a gap that a scanner found.
    func item(_ item: FrameScanner.Item, _ place: Place) throws {
        guard let header = item.header else {
            return try gap(item.reason, item.offset, UInt64(item.bytes.readableBytes), item.bytes, place)
        }
        try frame(header, item.body, item.bytes, offset: item.offset, place)
    }

    /// Hands on a frame.
    func frame(
        _ header: FrameHeader, _ body: ByteBuffer, _ bytes: ByteBuffer, offset: UInt64, problem: String? = nil,
        _ place: Place
    ) throws {
        count += 1
        let outcome = bodies.decode(header, body)
        let kind = header.opcode.isApplication ? "application" : header.opcode.builtInName ?? "unregistered"
        let unit = CaptureRecord.Unit(
            number: count, layer: .session, kind: kind, header: header, fields: outcome.fields,
            problem: problem ?? outcome.problem, failsCheck: outcome.failsCheck, direction: place.direction,
            peer: place.peer)
        try send(.unit(unit), offset, UInt64(bytes.readableBytes), bytes, place)
    }

    /// Hands on a preface, a handshake message or a record.
    func unit(
        _ layer: CaptureRecord.Layer, _ kind: String, _ fields: [Field], problem: String? = nil,
        failsCheck: Bool = false, offset: UInt64, bytes: ByteBuffer, _ place: Place
    ) throws {
        count += 1
        let unit = CaptureRecord.Unit(
            number: count, layer: layer, kind: kind, header: nil, fields: fields, problem: problem,
            failsCheck: failsCheck)
        try send(.unit(unit), offset, UInt64(bytes.readableBytes), bytes, place)
    }

    /// Hands on a gap.
    func gap(_ reason: String, _ offset: UInt64, _ length: UInt64, _ bytes: ByteBuffer?, _ place: Place) throws {
        guard length > 0 else { return }
        try send(.gap(reason), offset, length, bytes, place)
    }

    /// Hands on bytes that hold units.
    func container(_ what: StaticString, _ offset: UInt64, _ bytes: ByteBuffer, isDerived: Bool) throws {
        guard wantsContainers, bytes.readableBytes > 0 else { return }
        try send(
            .container(what), offset, UInt64(bytes.readableBytes), bytes, Place(isDerived: isDerived))
    }

    private func send(
        _ content: CaptureRecord.Content, _ offset: UInt64, _ length: UInt64, _ bytes: ByteBuffer?, _ place: Place
    ) throws {
        try sink(
            CaptureRecord(
                offset: place.base &+ offset, length: length, raw: bytes, isDerived: place.isDerived,
                stream: place.stream, content: content))
    }
}
