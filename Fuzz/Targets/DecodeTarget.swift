internal import CarrierCapture
internal import CarrierCrypto
internal import NIOCore

/// `carrier decode`: its records give any input back, so does its JSON, and both ways of showing a frame say the same.
enum DecodeTarget {
    /// Keys for any session, so that records are tried too.
    private static func keys(_ ephemeral: Bytes32) -> SessionKeys? {
        SessionKeys(
            ephemeral: ephemeral, initiatorToResponder: SecretBytes([UInt8](repeating: 1, count: 32)),
            responderToInitiator: SecretBytes([UInt8](repeating: 2, count: 32)))
    }

    /// The input's own size decides the pieces and how much is done with it: writing and reading JSON takes far longer than
    /// all the rest.
    @Sendable static func run(_ input: ByteBuffer) throws {
        let pieceSize = input.readableBytes % 3 == 0 ? 7 : Int.max
        let back = Output()
        switch input.readableBytes % 8 {
        case 0:
            let json = try json(input, pieceSize, isShort: true)
            var records = RecordText()
            records.feed(json, into: &back.bytes)
            records.finish(into: &back.bytes)
            let other = try self.json(input, pieceSize, isShort: false)
            try expect(other == json, "the short way says something else")
        case 1:
            try decode(input, pieceSize) { record in
                back.text.render(record)
                back.take(record)
            }
        default: try decode(input, pieceSize) { back.take($0) }
        }
        try expect(back.bytes == input, "the way back is not the way there")
    }

    private final class Output {
        var json = JSONRenderer(showsPayload: true)
        var text = TextRenderer()
        var bytes = ByteBuffer()

        func take(_ record: CaptureRecord) {
            if !record.isDerived, let raw = record.raw { bytes.writeImmutableBuffer(raw) }
        }
    }

    private static func json(_ input: ByteBuffer, _ pieceSize: Int, isShort: Bool) throws -> ByteBuffer {
        let output = Output()
        let plain: (PlainFrame) throws -> Void = { output.json.render($0) }
        try decode(input, pieceSize, plain: isShort ? plain : nil) { output.json.render($0) }
        return output.json.take()
    }

    private static func decode(
        _ input: ByteBuffer, _ pieceSize: Int, plain: ((PlainFrame) throws -> Void)? = nil,
        sink: @escaping (CaptureRecord) throws -> Void
    ) throws {
        var options = CaptureDecoder.Options()
        options.keys = keys
        options.bodyLimit = 64 << 10
        var rest = input
        try CaptureDecoder(options, plain: plain, sink: sink).decode {
            let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes))
            return piece?.readableBytes == 0 ? nil : piece
        }
    }
}
