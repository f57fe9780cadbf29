import CarrierCapture
import NIOCore

/// What a decoder gave for an input.
struct Decoded {
    var records: [CaptureRecord] = []

    /// Decodes `bytes` handed over in pieces of `pieceSize`.
    init(
        _ bytes: ByteBuffer, pieceSize: Int = .max, _ options: CaptureDecoder.Options = CaptureDecoder.Options()
    ) throws {
        var rest = bytes
        var records: [CaptureRecord] = []
        let decoder = CaptureDecoder(options) { records.append($0) }
        try decoder.decode { rest.readSlice(length: min(pieceSize, rest.readableBytes)).flatMap { $0.nonEmpty } }
        self.records = records
    }

    init(_ bytes: [UInt8], pieceSize: Int = .max) throws {
        try self.init(ByteBuffer(bytes: bytes), pieceSize: pieceSize)
    }

    var units: [CaptureRecord.Unit] {
        records.compactMap { record in
            if case .unit(let unit) = record.content { unit } else { nil }
        }
    }

    var kinds: [String] { units.map(\.kind) }

    var gaps: [(offset: UInt64, length: UInt64, reason: String)] {
        records.compactMap { record in
            if case .gap(let reason) = record.content { (record.offset, record.length, reason) } else { nil }
        }
    }

    /// The frames of sessions, as they were on the wire.
    var frames: [ByteBuffer] {
        records.compactMap { record in
            if case .unit(let unit) = record.content, unit.layer == .session { record.raw } else { nil }
        }
    }

    /// All records as `decode --json` prints them.
    var json: ByteBuffer {
        var renderer = JSONRenderer(showsPayload: true)
        for record in records { renderer.render(record) }
        return renderer.take()
    }

    /// All records as people see them.
    var text: String {
        var renderer = TextRenderer(showsPayload: true)
        for record in records { renderer.render(record) }
        var text = ""
        renderer.drain { text = String(decoding: $0, as: UTF8.self) }
        return text
    }

    /// The records that are not derived, put together.
    var original: ByteBuffer {
        var output = ByteBuffer()
        for record in records where !record.isDerived { if let raw = record.raw { output.writeImmutableBuffer(raw) } }
        return output
    }
}

/// What `decode --encode` makes of JSON handed over in pieces.
func encoded(_ json: ByteBuffer, pieceSize: Int = .max) -> (bytes: ByteBuffer, gaps: Int) {
    var text = RecordText()
    var output = ByteBuffer()
    var rest = json
    while let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes))?.nonEmpty {
        text.feed(piece, into: &output)
    }
    text.finish(into: &output)
    return (output, text.takeGaps().count)
}

extension ByteBuffer {
    var nonEmpty: ByteBuffer? { readableBytes > 0 ? self : nil }
    var array: [UInt8] { Array(readableBytesView) }
}

/// The same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
