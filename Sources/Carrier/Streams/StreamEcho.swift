internal import CarrierProtocols
internal import CarrierWire

/// Sends the byte stream of a connection back as it comes. Confined to the node's loop.
final class StreamEcho: StreamConsumer {
    /// Bytes that may wait to go back before the peer is held.
    private static let highWater = 256 * 1024

    private let connection: Connection
    private var completion: ((DisconnectCause?) -> Void)?
    private var hasEnded = false

    init(_ connection: Connection, completion: @escaping (DisconnectCause?) -> Void) {
        self.connection = connection
        self.completion = completion
    }

    func streamDidReceive(_ frame: Frame) {
        let answer = Frame(.bytes, flags: frame.flags.intersection(.endOfStream), body: frame.body)
        if frame.flags.contains(.endOfStream) {
            hasEnded = true
            let limit = connection.node.configuration.limits.send.request
            connection.send(answer, wantsReply: false, within: limit, .call { [weak self] _ in self?.end(nil) })
        } else {
            connection.send(answer)
        }
        connection.acknowledge(frame)
        if (connection.session?.waitingBytes ?? 0) > Self.highWater, !connection.makesWay() {
            connection.setHold(.stream, true)
        }
    }

    func streamCanSend() {
        connection.setHold(.stream, false)
    }

    func streamDidClose(_ cause: DisconnectCause) { end(hasEnded ? nil : cause) }

    private func end(_ cause: DisconnectCause?) {
        let completion = completion
        self.completion = nil
        completion?(cause)
    }
}
