internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

extension Connection {
    /// Sends bytes as `Bytes` frames while the link takes them; what it does not take stays.
    func sendStream(_ bytes: inout ByteBuffer) {
        while bytes.readableBytes > 0, makesWay() {
            guard let piece = bytes.readSlice(length: min(bytes.readableBytes, StreamSplice.frameBody)) else { return }
            send(Frame(.bytes, body: piece))
            session?.flush()
        }
        if bytes.readableBytes == 0 { bytes.clear() }
    }

    /// Says that no more bytes come; calls `done` when the peer has handed on all that came before, or is gone.
    func endStream(_ done: @escaping () -> Void) {
        let limit = node.configuration.limits.send.request
        send(Frame(.bytes, flags: .endOfStream), wantsReply: false, within: limit, .call { _ in done() })
    }
}
