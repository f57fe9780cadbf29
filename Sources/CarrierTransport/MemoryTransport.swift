public import CarrierWire
public import NIOCore
internal import Synchronization

/// A network within the program, for tests and simulations: the same links as sockets make, without sockets.
///
/// Its nodes may live on one virtual loop or on several real ones.
public final class MemoryTransport: Transport {
    public let scheme = Address.Scheme("memory")
    private let listeners = Mutex<[UInt16: MemoryListener]>([:])

    /// A network of its own within the process.
    public init() {}

    public func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener> {
        let made: MemoryListener? = listeners.withLock { listeners in
            let port = address.port != 0 ? address.port : (1...UInt16.max).first { listeners[$0] == nil } ?? 0
            guard listeners[port] == nil else { return nil }
            var bound = address
            bound.port = port
            let listener = MemoryListener(address: bound, loop: loop, accept: accept) { [weak self] in
                _ = self?.listeners.withLock { $0.removeValue(forKey: port) }
            }
            listeners[port] = listener
            return listener
        }
        guard let made else { return loop.makeFailedFuture(LinkError.cannotBind("\(address) is taken")) }
        return loop.makeSucceededFuture(made)
    }

    public func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling {
        guard let listener = listeners.withLock({ $0[address.port] }) else {
            completion(.failure(.refused))
            return Dialling {}
        }
        let near = Address(scheme: scheme, host: "127.0.0.1", port: 0)
        let here = MemoryLink(loop: loop, localAddress: near, remoteAddress: address.pinned(to: nil))
        let hereBound = NIOLoopBound(here, eventLoop: loop)
        listener.loop.execute {
            let there = MemoryLink(loop: listener.loop, localAddress: listener.address, remoteAddress: near)
            let thereBound = NIOLoopBound(there, eventLoop: listener.loop)
            there.partner = hereBound
            listener.accept(there)
            loop.execute { hereBound.value.connect(to: thereBound) }
        }
        completion(.success(here))
        return Dialling {}
    }
}

private struct MemoryListener: Listener {
    let address: Address
    let loop: any EventLoop
    let accept: @Sendable (any Link) -> Void
    let remove: @Sendable () -> Void

    func close() -> EventLoopFuture<Void> {
        remove()
        return loop.makeSucceededVoidFuture()
    }
}
