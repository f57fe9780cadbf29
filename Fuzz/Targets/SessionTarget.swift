internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// Records and frames of one direction: what comes out is what went in, in order, until somebody meddles with a record;
/// from there on nothing comes out any more.
enum SessionTarget {
    private static let key = SecretBytes([UInt8](repeating: 9, count: 32))

    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        var sealer = try RecordSealer(key: key)
        var opener = try RecordOpener(key: key)
        var outbox = Outbox()
        var decoder = FrameDecoder()
        var wire = ByteBuffer()
        var sent: [Frame] = []
        var arrived: [Frame] = []
        var hasChanged = false
        while !choices.isEmpty {
            switch choices.number(below: 6) {
            case 0, 1:
                let size = choices.byte() == 0 ? choices.number(below: 70_000) : choices.number(below: 40)
                let frame = Frame(
                    Opcode(UInt32(1000 + sent.count)), nonce: UInt32(sent.count),
                    body: ByteBuffer(repeating: choices.byte(), count: sent.count < 200 ? size : 0))
                sent.append(frame)
                outbox.append(frame)
            case 2: try outbox.seal(with: &sealer, into: &wire, enough: 1 + choices.number(below: 40_000))
            case 3 where wire.readableBytes > 0 && choices.byte() < 40:
                let place = wire.readerIndex + choices.number(below: wire.readableBytes)
                let change = choices.byte()
                wire.setInteger((wire.getInteger(at: place) ?? 0) ^ change, at: place)
                if change != 0 { hasChanged = true }
            default:
                guard var piece = wire.readSlice(length: min(wire.readableBytes, choices.number(below: 40_000))) else {
                    continue
                }
                var plaintext = ByteBuffer()
                do throws(CryptoError) {
                    try opener.open(&piece, into: &plaintext)
                } catch {
                    return try expect(hasChanged, "an honest record does not open: \(error)")
                }
                decoder.feed(plaintext)
                while let frame = try decoder.next() { arrived.append(frame) }
                try expect(sent.starts(with: arrived), "frames change on their way")
            }
        }
        guard !hasChanged else { return }
        try outbox.seal(with: &sealer, into: &wire)
        var plaintext = ByteBuffer()
        try opener.open(&wire, into: &plaintext)
        decoder.feed(plaintext)
        while let frame = try decoder.next() { arrived.append(frame) }
        try expect(arrived == sent && !opener.isInsideRecord && !decoder.isInsideFrame, "frames are lost")
    }
}
