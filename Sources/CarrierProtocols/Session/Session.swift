public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// What a handshake leaves: how frames go over the link and who the peer is.
///
/// Frames travel in sealed records; over a link that encrypts by itself they travel as they are.
public struct Session: ~Copyable {
    private var sealer: RecordSealer?
    private var opener: RecordOpener?
    /// The peer's own word about itself, checked.
    public let hello: Hello
    /// Records sealed since the key last changed; none over a link that encrypts by itself.
    public private(set) var recordsUnderKey = 0
    private var sealerRekeys: UInt64 = 0
    private var openerRekeys: UInt64 = 0
    /// How often the keys of both directions have changed.
    public var rekeys: UInt64 { sealerRekeys &+ openerRekeys }
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
        self.sealer = consume sealer
        self.opener = consume opener
        self.hello = hello
        keyLogLine = initiatorEphemeral.map { KeyLogLine(initiatorEphemeral: $0, keys: keys).description }
    }

    /// A session over a link that encrypts by itself.
    public init(hello: Hello) {
        sealer = nil
        opener = nil
        self.hello = hello
        keyLogLine = nil
    }

    /// Takes what waits, in the form in which the link carries it, until nothing waits or `enough` bytes were taken.
    ///
    /// - Parameters:
    ///   - outbox: what waits.
    ///   - enough: bytes after which to stop; default none.
    ///   - sealed: memory for records, to be used again: what was written from it before must be gone, or it is made anew.
    ///   - write: called with each record.
    public mutating func seal(
        _ outbox: inout Outbox, enough: Int = .max, in sealed: inout ByteBuffer, write: (ByteBuffer) -> Void
    ) throws(CryptoError) {
        guard var sealer = sealer.take() else {
            var taken = 0
            while taken < enough, let next = outbox.take() {
                taken += next.readableBytes
                write(next)
            }
            return
        }
        sealed.clear()
        var failure: CryptoError?
        do throws(CryptoError) {
            try outbox.seal(with: &sealer, into: &sealed, enough: enough)
        } catch { failure = error }
        recordsUnderKey = sealer.recordsUnderKey
        sealerRekeys = sealer.rekeys
        self.sealer = consume sealer
        if sealed.readableBytes > 0 { write(sealed) }
        if let failure { throw failure }
    }

    /// Appends the frames' bytes in `input` to `plaintext`, and keeps what is not a whole record yet.
    ///
    /// - Throws: `authenticationFailed` for a record that is altered, out of order or too short; end the connection then.
    public mutating func open(_ input: inout ByteBuffer, into plaintext: inout ByteBuffer) throws(CryptoError) {
        guard var opener = opener.take() else {
            plaintext.writeBuffer(&input)
            return
        }
        var failure: CryptoError?
        do throws(CryptoError) {
            try opener.open(&input, into: &plaintext)
        } catch { failure = error }
        isInsideRecord = opener.isInsideRecord
        emptyRecordCount = opener.emptyRecordCount
        openerRekeys = opener.rekeys
        self.opener = consume opener
        if let failure { throw failure }
    }

    /// Whether bytes of an unfinished record wait for the rest.
    public private(set) var isInsideRecord = false

    /// How many records held nothing.
    public private(set) var emptyRecordCount: UInt64 = 0
}

/// One session's keys, for debugging (carrier-wire(7) §8).
public struct KeyLogLine: CustomStringConvertible, Sendable {
    /// Names the session in a capture: the first 32 bytes of handshake message 1.
    public let initiatorEphemeral: Bytes32
    /// What both directions are sealed with.
    public let keys: NoiseKeys

    public var description: String {
        func hex(_ secret: SecretBytes) -> String { secret.withUnsafeBytes { hexString($0) } }
        return "CARRIER1 \(initiatorEphemeral) \(hex(keys.initiatorToResponder)) \(hex(keys.responderToInitiator))"
    }
}
