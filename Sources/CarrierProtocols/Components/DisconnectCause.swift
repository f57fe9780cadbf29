public import CarrierWire

/// Why a connection is over, as components and the application hear it.
public enum DisconnectCause: Error, Hashable, Sendable, CustomStringConvertible {
    /// This side ended it and told the peer why.
    case local(Disconnect.Reason, String)
    /// The peer ended it and said why.
    case remote(Disconnect.Reason, String)
    /// The link ended without a `Disconnect`: end of stream, reset, a broken record. Data may be short.
    case broken(String)

    /// Whether either side said good-bye with an orderly reason: all that was sent had its chance to arrive.
    public var isOrderly: Bool {
        switch self {
        case .local(let reason, _), .remote(let reason, _): reason == .shutdown || reason == .applicationClosed
        case .broken: false
        }
    }

    public var description: String {
        switch self {
        case .local(let reason, let text): text.isEmpty ? "closed here: \(reason)" : "closed here: \(reason), \(text)"
        case .remote(let reason, let text):
            text.isEmpty ? "closed by the peer: \(reason)" : "closed by the peer: \(reason), \(text)"
        case .broken(let text): "broken: \(text)"
        }
    }
}
