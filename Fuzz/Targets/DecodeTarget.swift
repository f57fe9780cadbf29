internal import CarrierCapture
internal import CarrierCrypto
internal import NIOCore

/// `carrier decode`: its JSON gives any input back, and both ways of showing a frame say the same.
enum DecodeTarget {
    /// Keys for any session, so that records are tried too.
    private static func keys(_ ephemeral: Bytes32) -> SessionKeys? {
        SessionKeys(
            ephemeral: ephemeral, initiatorToResponder: SecretBytes([UInt8](repeating: 1, count: 32)),
            responderToInitiator: SecretBytes([UInt8](repeating: 2, count: 32)))
    }

    @Sendable static func run(_ input: ByteBuffer) throws {
        // The input's own size decides the pieces.
        let json = try decode(input, pieceSize: input.readableBytes % 3 == 0 ? 7 : .max, isShort: true)
        var back = ByteBuffer()
        var records = RecordText()
        records.feed(json, into: &back)
        records.finish(into: &back)
        try expect(back == input, "the way back is not the way there")
        if input.readableBytes % 4 == 0 {
            try expect(try decode(input, pieceSize: .max, isShort: false) == json, "the short way says something else")
        }
    }

    private final class Renderers {
        var json = JSONRenderer(showsPayload: true)
        var text = TextRenderer()
    }

    private static func decode(_ input: ByteBuffer, pieceSize: Int, isShort: Bool) throws -> ByteBuffer {
        var options = CaptureDecoder.Options()
        options.keys = keys
        options.bodyLimit = 64 << 10
        let output = Renderers()
        let plain: (PlainFrame) throws -> Void = { output.json.render($0) }
        let decoder = CaptureDecoder(options, plain: isShort ? plain : nil) { record in
            output.json.render(record)
            output.text.render(record)
        }
        var rest = input
        try decoder.decode {
            let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes))
            return piece?.readableBytes == 0 ? nil : piece
        }
        return output.json.take()
    }
}
