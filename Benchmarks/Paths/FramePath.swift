internal import CarrierWire
internal import NIOCore

/// Frames of 64 bytes, 64 of them in one piece.
struct FramePath {
    private static let batch = 64
    private let frame = Frame(Opcode(1000), nonce: 1, body: ByteBuffer(repeating: 7, count: 64))

    func encode(_ count: Int, _ counted: Bool) {
        var output = ByteBuffer()
        run(counted) {
            for index in 0..<count {
                if index % Self.batch == 0 { output.clear() }
                frame.encode(into: &output)
            }
        }
    }

    func decode(_ count: Int, _ counted: Bool) throws {
        var piece = ByteBuffer()
        for _ in 0..<Self.batch { frame.encode(into: &piece) }
        var decoder = FrameDecoder()
        var decoded = 0
        try run(counted) {
            while decoded < count {
                decoder.feed(piece)
                while try decoder.next() != nil { decoded += 1 }
            }
        }
    }
}
