import CarrierCapture
import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore

/// A real session over datagrams: what both sides send, in order, and its key log line.
struct SampleDatagrams {
    var datagrams: [(isBack: Bool, bytes: ByteBuffer)] = []
    var keyLog = KeyLog()

    /// - Parameter frames: what both sides send in turn once the session stands.
    init(_ frames: [Frame]) throws {
        let addresses = [try Address("udp://192.0.2.1:40001"), try Address("udp://192.0.2.2:4000")]
        let ends = try (0..<2).map { index in
            let seed = SecretBytes([UInt8](repeating: UInt8(index + 1), count: 32))
            let identity = Identity(key: try Ed25519.SigningKey(seed: seed), puzzleNonce: .zero)
            let terms = try HandshakeTerms(
                identity: identity, staticKey: .generate(), agent: "test/1",
                minimum: Puzzle.Difficulty(staticBits: 0, dynamicBits: 0), keepsKeyLog: true)
            return try DatagramEndpoint(
                terms, record: try PeerRecord(signedBy: identity, sequence: 1, addresses: []), isListening: index == 1)
        }
        let now = Instant(nanoseconds: 0)
        _ = try ends[0].dial(addresses[1], pinned: nil, deadline: now + .seconds(5), now: now)
        var sessions: [UInt32] = [0, 0]
        func exchange() {
            for _ in 0..<8 {
                for side in 0..<2 {
                    for event in ends[side].takeEvents() {
                        switch event {
                        case .send(let bytes, _):
                            datagrams.append((side == 1, bytes))
                            ends[1 - side].receive(bytes, from: addresses[side], now: now)
                        case .opened(let id, _, _, _, let line):
                            sessions[side] = id
                            if let line { keyLog.add(line) }
                        case .received, .moved, .failed, .refused: break
                        }
                    }
                }
            }
        }
        exchange()
        for (index, frame) in frames.enumerated() {
            try ends[index % 2].send(Samples.bytes([frame]), on: sessions[index % 2])
            exchange()
        }
    }

    /// Options with this session's keys.
    var options: CaptureDecoder.Options {
        var options = CaptureDecoder.Options()
        let keyLog = keyLog
        options.keys = { keyLog[$0] }
        return options
    }
}
