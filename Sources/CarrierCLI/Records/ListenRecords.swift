import Carrier
import CarrierCapture
import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore

/// Where the node listens: the first record.
struct ReadyRecord: Record {
    static var type: StaticString { "ready" }
    let publicKey: PeerID
    let addresses: [Address]

    func encode(into line: inout JSONLine) {
        line.add("public_key", "\(publicKey)")
        line.add("addresses", addresses.map(\.description))
    }

    func text(_ style: Style) -> String? { addresses.map(\.description).joined(separator: "\n") }
}

/// A peer is connected.
struct PeerUp: Record {
    static var type: StaticString { "peer" }
    let peer: Peer

    func encode(into line: inout JSONLine) {
        line.add("event", "up")
        line.add("peer", "\(peer.id)")
        line.add("address", "\(peer.info.address.pinned(to: nil))")
        line.add("transport", peer.info.address.scheme.name)
        line.add("handshake_ms", milliseconds: peer.handshakeTime)
        line.add("agent", peer.info.agent)
    }

    func text(_ style: Style) -> String? { "up \(peer.id) \(peer.info.address.pinned(to: nil))" }
}

/// A peer is gone.
struct PeerDown: Record {
    static var type: StaticString { "peer" }
    let peer: Peer
    let cause: DisconnectCause
    let traffic: (sent: UInt64, received: UInt64)

    func encode(into line: inout JSONLine) {
        line.add("event", "down")
        line.add("peer", "\(peer.id)")
        line.add("address", "\(peer.info.address.pinned(to: nil))")
        line.add("transport", peer.info.address.scheme.name)
        line.add("reason", "\(cause)")
        line.add("tx_bytes", traffic.sent)
        line.add("rx_bytes", traffic.received)
    }

    func text(_ style: Style) -> String? { "down \(peer.id) \(escaped("\(cause)"))" }
}

/// A message.
struct MessageRecord: Record {
    static var type: StaticString { "message" }
    let peer: PeerID
    let frame: Frame
    /// What the user calls it; nil for an opcode that nobody named.
    let name: String?

    func encode(into line: inout JSONLine) {
        line.add("peer", "\(peer)")
        line.add("opcode", frame.opcode.rawValue)
        line.add("name", ifPresent: name)
        line.add("codec", frame.codec.description)
        frame.body.withUnsafeReadableBytes { line.add(payload: $0) }
        line.add("value", ifPresent: shown)
    }

    func text(_ style: Style) -> String? {
        let body = shown ?? frame.body.withUnsafeReadableBytes { escaped($0) }
        return "msg \(peer) \(name.map { escaped($0) } ?? "\(frame.opcode.rawValue)") \(body)"
    }

    /// What a structured body holds, as JSON; nil for bytes, and for a body that is not what its codec says.
    private var shown: String? {
        switch frame.codec {
        case .bytes: return nil
        case .msgpack: return try? MsgpackValue(msgpack: frame.body).json
        case .protobuf:
            var json = JSONBuffer()
            guard (try? ProtobufJSON.write(frame.body, to: &json)) != nil else { return nil }
            return String(buffer: json.take())
        }
    }
}

/// A message for everyone.
struct BroadcastRecord: Record {
    static var type: StaticString { "broadcast" }
    let broadcast: BroadcastReceived

    func encode(into line: inout JSONLine) {
        line.add("origin", "\(broadcast.origin)")
        line.add("id", "\(broadcast.id)")
        line.add("hops", broadcast.hops)
        line.add("opcode", broadcast.message.rawValue)
        line.add("codec", broadcast.codec.description)
        broadcast.body.withUnsafeReadableBytes { line.add(payload: $0) }
    }

    func text(_ style: Style) -> String? {
        "broadcast \(broadcast.origin) \(broadcast.message.rawValue) "
            + broadcast.body.withUnsafeReadableBytes { escaped($0) }
    }
}
