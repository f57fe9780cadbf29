import Carrier
import NIOCore

/// One half of a fresh key agreement; all that comes after it is sealed.
struct KeyShare: FieldMessage {
    var publicKey: Bytes32

    init(_ publicKey: Bytes32) { self.publicKey = publicKey }
    init(from reader: inout Reader) throws(WireError) { publicKey = try reader.raw32("public key") }
    func write(to writer: inout Writer) { writer.raw32(publicKey) }
}

/// Text under the key that both sides agreed on.
struct Sealed: FieldMessage {
    var bytes: [UInt8]

    init(_ text: String, _ key: SecretBytes, nonce: UInt64) throws {
        let plain = Array(text.utf8)
        var sealed = [UInt8](repeating: 0, count: plain.count + AESGCM.tagSize)
        let cipher = try AESGCM(key: key)
        try Self.nonce(nonce).withUnsafeBytes { nonce in
            try plain.withUnsafeBytes { plain in
                try sealed.withUnsafeMutableBytes { try cipher.seal(plain, nonce: nonce, into: $0) }
            }
        }
        bytes = sealed
    }

    func opened(_ key: SecretBytes, nonce: UInt64) throws -> String {
        var plain = [UInt8](repeating: 0, count: max(0, bytes.count - AESGCM.tagSize))
        let cipher = try AESGCM(key: key)
        try Self.nonce(nonce).withUnsafeBytes { nonce in
            try bytes.withUnsafeBytes { sealed in
                try plain.withUnsafeMutableBytes { try cipher.open(sealed, nonce: nonce, into: $0) }
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func nonce(_ number: UInt64) -> [UInt8] {
        [0, 0, 0, 0] + withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    init(from reader: inout Reader) throws(WireError) { bytes = Array(try reader.bytes("text").readableBytesView) }
    func write(to writer: inout Writer) { writer.bytes(ByteBuffer(bytes: bytes)) }
}

/// Two nodes agree on a key of their own and use it at once. The other side's first sealed message may arrive while this side
/// still computes the key: it waits behind the lock.
@main
struct KeyExchange {
    static func main() async throws {
        try await Node.run(configuration()) { listener in
            let address = try await listener.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            let answered = Task {
                for await event in listener.events {
                    guard case .connected(let peer) = event else { continue }
                    return try await talk(with: peer, "the listener's secret")
                }
            }
            try await Node.run(configuration()) { dialler in
                try await talk(with: dialler.dial([address]), "the dialler's secret")
                try await answered.value
            }
        }
    }

    static func talk(with peer: Peer, _ text: String) async throws {
        let own = try X25519.PrivateKey.generate()
        try await peer.send(KeyShare(own.publicKey))
        let key = try await peer.withReceiveLock(on: KeyShare.self, within: .seconds(5)) { share in
            let shared = try own.sharedSecret(with: share.publicKey)
            return shared.withUnsafeBytes { secret in
                HKDF().extract(salt: UnsafeRawBufferPointer(start: nil, count: 0), material: secret)
            }
        }
        // A nonce for each side: nobody seals twice under the same one.
        let (sends, receives): (UInt64, UInt64) = peer.info.isOutbound ? (1, 2) : (2, 1)
        try await peer.send(Sealed(text, key, nonce: sends))
        let answer = try await peer.receive(Sealed.self, within: .seconds(5))
        print(try answer.opened(key, nonce: receives))
        // Both have read before either leaves.
        try await peer.confirm(within: .seconds(5))
    }

    static func configuration() async throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try await Identity.generate())
        try configuration.messages.register(KeyShare.self, opcode: Opcode(1000))
        try configuration.messages.register(Sealed.self, opcode: Opcode(1001))
        return configuration
    }
}
