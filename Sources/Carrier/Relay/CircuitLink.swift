internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// A link to somebody who came to this node's door at a relay: the byte stream of a connection with the relay carries it.
/// Confined to the node's loop.
final class CircuitLink: Link, StreamConsumer {
    /// Bytes that may wait before the link is no longer writable.
    private static let highWater = 64 * 1024

    private let connection: Connection
    let eventLoop: any EventLoop
    /// The relay: what is on its far side nobody here can know.
    let remoteAddress: Address
    let localAddress: Address
    /// Where the relay says that the other side is.
    let observedAddress: Address
    private var waiting = ByteBuffer()
    private var isFinishing = false
    private var endSent = false
    private var owesReadAll = false
    private var hasEnded = false

    init(_ connection: Connection, observedAddress: Address) {
        self.connection = connection
        self.observedAddress = observedAddress
        eventLoop = connection.node.loop
        remoteAddress = connection.info.address.pinned(to: nil)
        localAddress = connection.session?.link.localAddress ?? remoteAddress
    }

    var delegate: (any LinkDelegate)? {
        didSet { if oldValue == nil, delegate != nil { connection.attach(self) } }
    }

    var isWritable: Bool { !hasEnded && waiting.readableBytes < Self.highWater }

    func write(_ bytes: ByteBuffer) {
        guard !hasEnded, !isFinishing else { return }
        var bytes = bytes
        waiting.writeBuffer(&bytes)
    }

    func flush() {
        guard !hasEnded else { return }
        let wasWritable = isWritable
        connection.sendStream(&waiting)
        if !wasWritable, isWritable { delegate?.linkDidChangeWritability() }
        endIfSent()
    }

    func setReading(_ isReading: Bool) { connection.setHold(.stream, !isReading) }

    func finish() {
        isFinishing = true
        flush()
    }

    /// Says that no more comes, once all has gone out.
    private func endIfSent() {
        guard isFinishing, !hasEnded, !endSent, waiting.readableBytes == 0 else { return }
        endSent = true
        connection.endStream { [weak self] in self?.end(.endOfStream) }
    }

    func close() { end(.closedHere) }

    // MARK: The stream

    func streamDidReceive(_ frame: Frame) {
        if frame.body.readableBytes > 0 {
            delegate?.linkDidRead(frame.body)
            tellReadAll()
        }
        connection.acknowledge(frame)
        if frame.flags.contains(.endOfStream) { end(.endOfStream) }
    }

    /// Says that this was all for now, once the relay's session is done with what it read.
    private func tellReadAll() {
        guard !owesReadAll else { return }
        owesReadAll = true
        eventLoop.assumeIsolated().execute { [self] in
            owesReadAll = false
            delegate?.linkDidReadAll()
        }
    }

    func streamCanSend() { flush() }

    func streamDidClose(_ cause: DisconnectCause) { end(.endOfStream) }

    private func end(_ error: LinkError) {
        guard !hasEnded else { return }
        hasEnded = true
        // Whoever calls may be in the middle of something.
        eventLoop.assumeIsolated().execute { [self] in
            let delegate = delegate
            self.delegate = nil
            delegate?.linkDidClose(error)
            connection.close(.shutdown)
        }
    }
}
