import CarrierCapture
import CarrierCrypto
import CarrierWire
import NIOCore

/// Frames of every kind.
enum Samples {
    /// Solves no puzzle beyond chance; made once.
    static let identity: Identity = {
        let seed = SecretBytes([UInt8](repeating: 7, count: 32))
        guard let key = try? Ed25519.SigningKey(seed: seed) else { preconditionFailure("32 bytes are a seed") }
        return Identity(key: key, puzzleNonce: .zero)
    }()

    static func record() throws -> PeerRecord {
        try PeerRecord(signedBy: identity, sequence: 1_700_000_000_000, addresses: ["tcp://127.0.0.1:4000"])
    }

    /// One frame of each of carrier's own messages and of each codec.
    static func frames() throws -> [Frame] {
        let identity = identity
        let id = try Broadcast(
            signedBy: identity, sequence: 5, message: Opcode(1000), codec: .bytes, body: ByteBuffer(string: "b"))
        return [
            Frame(.bytes, body: ByteBuffer(string: "hello")), Frame(.bytes, flags: .endOfStream),
            Keepalive().frame(flags: .request, nonce: 1), KeepaliveResponse().frame(flags: .reply, nonce: 1),
            ProxyRequest(kind: 0).frame(flags: .request, nonce: 2),
            ProxyResponse(status: 0, publicAddress: "tcp://192.0.2.1:9").frame(flags: .reply, nonce: 2),
            Ping(payload: ByteBuffer(string: "ping")).frame(flags: .request, nonce: 3),
            Pong(payload: ByteBuffer(string: "ping")).frame(flags: .reply, nonce: 3),
            LookupNodeRequest(target: identity.nodeID, count: 16).frame(flags: .request, nonce: 4),
            LookupNodeResponse(records: [try record(), try record()]).frame(flags: .reply, nonce: 4),
            MetricRequest(sentAt: 1, data: ByteBuffer(string: "m")).frame(flags: .request, nonce: 5),
            MetricResponse(MetricRequest(sentAt: 1, data: ByteBuffer(string: "m"))).frame(flags: .reply, nonce: 5),
            id.frame(flags: .needsAck, nonce: 6), AckResponse(nonce: 6).frame(),
            BroadcastReport(id: id.id, reached: 3, duplicates: 1, depth: 2).frame(),
            ReachabilityRequest(address: "tcp://192.0.2.1:9").frame(flags: .request, nonce: 7),
            ReachabilityResponse(status: 1, text: "no \u{1b}[31mroute").frame(flags: .reply, nonce: 7),
            BroadcastDigest(ids: [id.id]).frame(), BroadcastWant(ids: [id.id, id.id]).frame(),
            Frame(Opcode(1000), codec: .msgpack, body: ByteBuffer(bytes: [0x82, 0xa1, 0x61, 0x01, 0x05, 0xc4, 1, 9])),
            Frame(Opcode(1001), codec: .protobuf, body: ByteBuffer(bytes: [8, 150, 1, 0x1a, 2, 8, 5])),
            Frame(Opcode(70000), flags: .request, nonce: 9, body: ByteBuffer(bytes: [0, 255])),
            Disconnect(.shutdown, "bye").frame(),
        ]
    }

    static func bytes(_ frames: [Frame]) -> ByteBuffer {
        var output = ByteBuffer()
        for frame in frames { frame.encode(into: &output) }
        return output
    }

    /// The frames of `frames()` as a recording.
    static func recording() throws -> ByteBuffer {
        var output = CaptureWriter.fileHeader
        for (index, frame) in try frames().enumerated() {
            CaptureWriter.write(
                frame, index % 2 == 0 ? .sent : .received, peer: identity.peerID, time: UInt64(index) * 1_500_000,
                to: &output)
        }
        return output
    }
}
