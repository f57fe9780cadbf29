import CarrierCapture
import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore

/// A real session: the bytes of both directions, a handshake and then records, and its key log line.
struct SampleSession {
    /// What the initiator sends, in the pieces it would write.
    var fromInitiator: [ByteBuffer] = []
    var fromResponder: [ByteBuffer] = []
    var keyLog = KeyLog()

    struct HandshakeFailed: Error {}

    /// - Parameter frames: what each side sends once the session stands, a record each.
    init(initiator: [Frame], responder: [Frame]) throws {
        let ends = try (0..<2).map { index in
            let seed = SecretBytes([UInt8](repeating: UInt8(index + 1), count: 32))
            let identity = Identity(key: try Ed25519.SigningKey(seed: seed), puzzleNonce: .zero)
            let terms = try HandshakeTerms(
                identity: identity, staticKey: .generate(), agent: "test/1",
                minimum: Puzzle.Difficulty(staticBits: 0, dynamicBits: 0), keepsKeyLog: true)
            return (terms, try PeerRecord(signedBy: identity, sequence: 1, addresses: []))
        }
        var first = ByteBuffer()
        var dialler = try StreamHandshake(
            initiatorWith: ends[0].0, record: ends[0].1, observedAddress: "tcp://192.0.2.2:1", pinned: nil, send: &first
        )
        var listener = StreamHandshake(
            responderWith: ends[1].0, record: ends[1].1, observedAddress: "tcp://192.0.2.1:1")
        fromInitiator.append(first)
        guard case .more(let answer?) = listener.receive(first) else { throw HandshakeFailed() }
        fromResponder.append(answer)
        guard case .established(let third?, var dialled) = dialler.receive(answer) else { throw HandshakeFailed() }
        fromInitiator.append(third)
        guard case .established(_, var accepted) = listener.receive(third) else { throw HandshakeFailed() }
        if let line = dialled.keyLogLine { keyLog.add(line) }
        for frame in initiator { fromInitiator.append(try Self.seal(frame, &dialled)) }
        for frame in responder { fromResponder.append(try Self.seal(frame, &accepted)) }
    }

    private static func seal(_ frame: Frame, _ session: inout Session) throws -> ByteBuffer {
        var outbox = Outbox()
        outbox.append(Samples.bytes([frame]))
        var output = ByteBuffer()
        var sealed = ByteBuffer()
        try session.seal(&outbox, in: &sealed) { output.writeImmutableBuffer($0) }
        return output
    }

    /// Options with this session's keys.
    var options: CaptureDecoder.Options {
        var options = CaptureDecoder.Options()
        let keyLog = keyLog
        options.keys = { keyLog[$0] }
        return options
    }
}
