import CarrierTransport
import CarrierWire
import NIOCore

/// A link around another, which does what this one does not do itself.
protocol ForwardingLink: Link {
    var link: any Link { get }
}

extension ForwardingLink {
    var eventLoop: any EventLoop { link.eventLoop }
    var remoteAddress: Address { link.remoteAddress }
    var localAddress: Address { link.localAddress }
    var isWritable: Bool { link.isWritable }
    func write(_ bytes: ByteBuffer) { link.write(bytes) }
    func flush() { link.flush() }
    func finish() { link.finish() }
}
