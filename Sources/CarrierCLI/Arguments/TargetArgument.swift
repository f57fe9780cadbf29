import CarrierCrypto
import CarrierWire

/// Whom to dial: an address, or a peer wherever it is.
enum DialTarget: Hashable, Sendable, CustomStringConvertible {
    case address(Address)
    /// To be found in the overlay.
    case peer(PeerID)

    init(_ text: String) throws(AddressError) {
        if let peer = PeerID(hex: text) { self = .peer(peer) } else { self = .address(try Address(text)) }
    }

    /// Whether only the peer that it names will do.
    var isPinned: Bool {
        switch self {
        case .address(let address): address.peer != nil
        case .peer: true
        }
    }

    /// Whether it has to be looked up.
    var isPeer: Bool { if case .peer = self { true } else { false } }

    var description: String {
        switch self {
        case .address(let address): address.description
        case .peer(let peer): peer.description
        }
    }
}

/// A target on the command line. For `transform:`.
enum TargetArgument {
    static func parse(_ text: String) throws(ArgumentProblem) -> DialTarget {
        do { return try DialTarget(text) } catch { throw ArgumentProblem("\(error)") }
    }
}
