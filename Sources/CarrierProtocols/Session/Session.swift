public import CarrierCrypto
public import CarrierWire

/// What a handshake leaves: the two directions' records and who the peer is.
public struct Session: ~Copyable {
    public var sealer: RecordSealer
    public var opener: RecordOpener
    /// The peer's own word about itself, checked.
    public let hello: Hello
    /// The line for the key log, where the node keeps one.
    public let keyLogLine: String?

    init(
        keys: NoiseKeys, isInitiator: Bool, hello: Hello, initiatorEphemeral: Bytes32?
    ) throws(CryptoError) {
        let (sending, receiving) =
            isInitiator
            ? (keys.initiatorToResponder, keys.responderToInitiator)
            : (keys.responderToInitiator, keys.initiatorToResponder)
        // Noncopyable fields must all be there at once: made first, stored then.
        let sealer = try RecordSealer(key: sending)
        let opener = try RecordOpener(key: receiving)
        self.sealer = sealer
        self.opener = opener
        self.hello = hello
        keyLogLine = initiatorEphemeral.map { KeyLogLine(initiatorEphemeral: $0, keys: keys).description }
    }
}

/// One session's keys, for debugging (carrier-wire(7) §8).
public struct KeyLogLine: CustomStringConvertible, Sendable {
    /// Names the session in a capture: the first 32 bytes of handshake message 1.
    public let initiatorEphemeral: Bytes32
    public let keys: NoiseKeys

    public var description: String {
        func hex(_ secret: SecretBytes) -> String { secret.withUnsafeBytes { hexString($0) } }
        return "CARRIER1 \(initiatorEphemeral) \(hex(keys.initiatorToResponder)) \(hex(keys.responderToInitiator))"
    }
}
