public import CarrierCrypto
public import CarrierWire

/// What a link has done for secrecy and identity before its first byte.
public enum LinkSecurity: Hashable, Sendable {
    /// Nothing: the session encrypts and asks who is there.
    case none
    /// The link is encrypted, and the other side has proved to hold the key of this peer.
    case authenticated(PeerID)
    /// The whole handshake, with the peer's checked word about itself: frames can go at once, each whole.
    case established(Hello)

    /// Who is there, where the link knows.
    public var peer: PeerID? {
        switch self {
        case .none: nil
        case .authenticated(let peer): peer
        case .established(let hello): hello.record.peer
        }
    }
}

extension Link {
    public var security: LinkSecurity { .none }
    public var observedAddress: Address { remoteAddress }
    public var hasArrived: Bool? { nil }
    public var frameLimit: Int? { nil }
}
