internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// What a relay does for one connection: passes bytes between a link at a door and the byte stream of the door's owner, with
/// back-pressure both ways. Confined to the node's loop.
final class RelayCircuit: StreamConsumer, LinkDelegate {
    private let link: any Link
    private let connection: Connection
    private var waiting = ByteBuffer()
    private var linkHasEnded = false
    private var endSent = false
    private var isOver = false
    private var onEnd: (() -> Void)?

    init(_ link: any Link, _ connection: Connection, onEnd: @escaping () -> Void) {
        self.link = link
        self.connection = connection
        self.onEnd = onEnd
    }

    func start() {
        connection.attach(self)
        link.delegate = self
    }

    // MARK: From the door to its owner

    func linkDidRead(_ bytes: ByteBuffer) {
        var bytes = bytes
        waiting.writeBuffer(&bytes)
        pump()
    }

    func linkDidReadAll() { connection.node.environment.flushNow() }

    func streamCanSend() { pump() }

    private func pump() {
        guard !isOver else { return }
        connection.sendStream(&waiting)
        if !linkHasEnded {
            link.setReading(waiting.readableBytes == 0)
        } else if waiting.readableBytes == 0, !endSent {
            endSent = true
            connection.endStream { [weak self] in self?.end() }
        }
    }

    func linkDidClose(_ error: LinkError) {
        linkHasEnded = true
        pump()
    }

    // MARK: From the owner to the door

    func streamDidReceive(_ frame: Frame) {
        if frame.body.readableBytes > 0 {
            link.write(frame.body)
            link.flush()
            if !link.isWritable { connection.setHold(.stream, true) }
        }
        connection.acknowledge(frame)
        if frame.flags.contains(.endOfStream) { link.finish() }
    }

    func linkDidChangeWritability() {
        if link.isWritable { connection.setHold(.stream, false) }
    }

    func streamDidClose(_ cause: DisconnectCause) {
        // What the owner sent last still goes out.
        link.finish()
        end()
    }

    // MARK: The end

    /// Ends both sides.
    func end() {
        guard !isOver else { return }
        isOver = true
        connection.close(.shutdown)
        if !linkHasEnded { closeLink() }
        onEnd?()
        onEnd = nil
    }

    /// What waits for a slow reader has a moment to go out.
    private func closeLink() {
        link.finish()
        let link = link
        let limit = connection.node.configuration.limits.connections.farewell
        connection.node.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { link.close() }
    }
}
