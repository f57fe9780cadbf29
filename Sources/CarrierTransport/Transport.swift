public import CarrierWire
public import NIOCore

/// Makes links of one scheme. An application can bring its own.
public protocol Transport: Sendable {
    /// The scheme of the addresses that this transport reaches.
    var scheme: Address.Scheme { get }

    /// Listens on an address, port 0 for any free one; each new link goes to `accept`, on the loop, before it reads.
    func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener>

    /// Connects to an address whose host is an IP address. `completion` is called once, on the loop.
    ///
    /// - Returns: a way to give up: the completion then gets `closedHere`, unless it was called before.
    func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling
}

/// A socket that accepts links.
public protocol Listener: Sendable {
    /// Where it listens, with the port that it really has.
    var address: Address { get }
    /// Accepts no more.
    func close() -> EventLoopFuture<Void>
}

/// A dial under way, confined to its event loop.
public struct Dialling {
    /// Gives up.
    public let cancel: () -> Void

    /// An attempt that `cancel` gives up.
    public init(cancel: @escaping () -> Void) { self.cancel = cancel }
}
