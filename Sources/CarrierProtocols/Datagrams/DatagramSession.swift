internal import CarrierCrypto
public import CarrierWire
internal import NIOCore

/// An established session over datagrams: seals and opens frames one by one, in any order.
public struct DatagramSession: ~Copyable {
    /// The peer's own word about itself, checked.
    public let hello: Hello
    /// The line for the key log, where the node keeps one.
    public let keyLogLine: String?
    /// What the other side calls the session.
    let theirID: UInt32
    /// Where the other side was heard last.
    public internal(set) var remote: Address

    private var sealer: NoiseCipher
    private let opener: NoiseCipher
    private var window = ReplayWindow()

    init(
        _ keys: NoiseKeys, isInitiator: Bool, hello: Hello, theirID: UInt32, remote: Address, ephemeral: Bytes32?
    ) throws(CryptoError) {
        let sealer = try NoiseCipher(key: isInitiator ? keys.initiatorToResponder : keys.responderToInitiator)
        let opener = try NoiseCipher(key: isInitiator ? keys.responderToInitiator : keys.initiatorToResponder)
        self.sealer = consume sealer
        self.opener = consume opener
        self.hello = hello
        self.theirID = theirID
        self.remote = remote
        keyLogLine = ephemeral.map { KeyLogLine(initiatorEphemeral: $0, keys: keys).description }
    }

    /// One frame as a datagram.
    mutating func seal(_ frame: ByteBuffer) throws(CryptoError) -> ByteBuffer {
        var sealed = ByteBuffer()
        let counter = sealer.counter
        let size = frame.readableBytes + AESGCM.tagSize
        var failure: CryptoError?
        sealed.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            frame.withUnsafeReadableBytes { bytes in
                do throws(CryptoError) {
                    try sealer.seal(into: UnsafeMutableRawBufferPointer(rebasing: room[..<size])) {
                        take throws(CryptoError) in
                        try take(bytes)
                    }
                } catch { failure = error }
            }
            return failure == nil ? size : 0
        }
        if let failure { throw failure }
        return Datagram.data(receiver: theirID, counter: counter, sealed: sealed).encoded
    }

    /// The frame of a datagram, and whether the datagram is the newest so far; nil for a forged or repeated one.
    mutating func open(_ sealed: ByteBuffer, counter: UInt64) -> (frame: ByteBuffer, isNewest: Bool)? {
        // A whole frame has a header at least, and the last counter is never used.
        guard sealed.readableBytes >= AESGCM.tagSize + Frame.headerSize, counter < .max, window.accepts(counter) else {
            return nil
        }
        let size = sealed.readableBytes - AESGCM.tagSize
        var frame = ByteBuffer()
        var isGenuine = false
        frame.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            sealed.withUnsafeReadableBytes { bytes in
                do throws(CryptoError) {
                    try opener.open(
                        bytes, counter: counter, into: UnsafeMutableRawBufferPointer(rebasing: room[..<size]))
                    isGenuine = true
                } catch {
                    // Not for us to answer.
                }
            }
            return isGenuine ? size : 0
        }
        guard isGenuine else { return nil }
        let isNewest = window.highest.map { counter > $0 } ?? true
        window.note(counter)
        return (frame, isNewest)
    }
}
