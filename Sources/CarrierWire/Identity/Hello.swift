public import CarrierCrypto
internal import NIOCore

/// Who a side of a handshake is: the payload of messages 2 and 3 (carrier-wire(7) §4.2).
public struct Hello: Hashable, Sendable {
    /// The most bytes of `agent`.
    public static let agentLimit = 64
    private static let label: StaticString = "carrier static key v1"

    /// Over the sender's Noise static key, by the key in `record`; 64 zero bytes over QUIC.
    public var staticKeySignature: [UInt8]
    /// The sender's record as it publishes it.
    public var record: PeerRecord
    /// How the sender sees the other side.
    public var observedAddress: String
    /// The sender's program and version, like `carrier/0.1.0`.
    public var agent: String

    /// A hello of its parts.
    public init(staticKeySignature: [UInt8], record: PeerRecord, observedAddress: String, agent: String) {
        self.staticKeySignature = staticKeySignature
        self.record = record
        self.observedAddress = observedAddress
        self.agent = agent
    }

    /// The signature with which `identity` vouches for a Noise static key.
    public static func sign(staticKey: Bytes32, by identity: Identity) throws(CryptoError) -> [UInt8] {
        try identity.key.sign(Ed25519.labelled(label, staticKey.array))
    }

    /// Whether `staticKeySignature` vouches for this Noise static key.
    public func vouches(for staticKey: Bytes32) -> Bool {
        Ed25519.isValid(
            signature: staticKeySignature, over: Ed25519.labelled(Self.label, staticKey.array), by: record.peer.bytes)
    }

    /// Its fields in their order.
    public func write(to writer: inout Writer) {
        writer.raw(staticKeySignature)
        record.write(to: &writer)
        writer.string(observedAddress)
        writer.string(agent)
    }

    /// Reads a Hello; bytes after the known fields are ignored, so that later versions can add some.
    public init(from reader: inout Reader) throws(WireError) {
        staticKeySignature = try reader.array("staticKeySignature", count: Ed25519.signatureSize)
        record = try PeerRecord(from: &reader)
        observedAddress = try reader.string("observedAddress", limit: PeerRecord.addressSizeLimit)
        agent = try reader.string("agent", limit: Self.agentLimit)
    }
}
