public import CarrierWire
public import NIOCore

/// One way to another node, made by a transport: bytes in, bytes out, close. Confined to its event loop.
///
/// A link keeps what it is given until the system takes it: ask `isWritable` before giving it much.
public protocol Link: AnyObject {
    /// Where all of the link happens.
    var eventLoop: any EventLoop { get }
    /// Where the link leads.
    var remoteAddress: Address { get }
    /// This end of it.
    var localAddress: Address { get }
    /// Where the other side is, as it is told: not where the link leads when a relay stands between. Default `remoteAddress`.
    var observedAddress: Address { get }
    /// What the link has done for secrecy and identity. Default: nothing.
    var security: LinkSecurity { get }
    /// The most bytes of a frame, where a frame must fit into a datagram. Default nil: any size.
    var frameLimit: Int? { get }
    /// Whether there is room: false once more waits than should.
    var isWritable: Bool { get }
    /// Whether something is there to be read on its socket, which it may share; nil where that is not known at once, or
    /// what was written has not left yet. Default nil.
    var hasArrived: Bool? { get }
    /// Who hears what happens. A link without one reads nothing.
    var delegate: (any LinkDelegate)? { get set }

    /// Puts bytes behind those that wait; `flush` sends what has not left by itself.
    func write(_ bytes: ByteBuffer)
    /// Sends what waits.
    func flush()
    /// Stops or takes up reading: who does not read makes the other side stop sending.
    func setReading(_ isReading: Bool)
    /// Sends what waits, then says that no more comes; the link ends when the other side ends it too.
    func finish()
    /// Ends the link at once; what waits is lost.
    func close()
}

/// Hears what happens on a link, on its event loop.
public protocol LinkDelegate: AnyObject {
    /// Bytes arrived.
    func linkDidRead(_ bytes: ByteBuffer)
    /// That was all for now: time to flush the answers.
    func linkDidReadAll()
    /// `isWritable` changed.
    func linkDidChangeWritability()
    /// The link is gone; comes once, nothing comes after it.
    func linkDidClose(_ error: LinkError)
}

/// Why there is no link, or no more.
public enum LinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The other side said that nobody listens there.
    case refused
    /// Nobody answered in time.
    case timeout
    /// The host has no address, or no address of the wanted family.
    case nameNotFound(String)
    /// There is no way there.
    case unreachable(String)
    /// This machine has no descriptor or no memory left for a link: that says nothing about the other side.
    case outOfResources(String)
    /// The other side ended the stream.
    case endOfStream
    /// The link broke.
    case reset(String)
    /// This side ended it.
    case closedHere
    /// The address cannot be bound.
    case cannotBind(String)
    /// No transport of this program has this scheme.
    case unsupportedScheme(String)
    /// The handshake that the transport makes by itself failed.
    case handshake(LinkHandshakeFailure)

    public var description: String {
        switch self {
        case .refused: "connection refused: expected a node to listen there; check address and port"
        case .timeout: "no answer in time: expected a node to listen there; check address, port and firewall"
        case .nameNotFound(let host): "expected a host with an address, \(host) has none"
        case .unreachable(let reason): "no way there: \(reason)"
        case .outOfResources(let reason):
            "this machine has no room for a connection: \(reason); raise its limits (ulimit -n)"
        case .endOfStream: "the other side ended the stream"
        case .reset(let reason): "the link broke: \(reason)"
        case .closedHere: "closed here"
        case .cannotBind(let reason): "cannot listen there: \(reason); choose another address or port"
        case .unsupportedScheme(let scheme): "expected a scheme that this build knows, got \(scheme)"
        case .handshake(let failure): failure.text
        }
    }
}

/// Why a transport's own handshake failed, in that transport's words.
public struct LinkHandshakeFailure: Hashable, Sendable {
    /// The transport's error.
    public let error: any Error
    /// What went wrong, in words.
    public let text: String

    /// The failure that an error stands for.
    public init(_ error: any Error) {
        self.error = error
        text = "\(error)"
    }

    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
