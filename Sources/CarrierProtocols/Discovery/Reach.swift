public import CarrierWire

/// How far an address reaches, and so who may tell it to whom: nobody hears of a narrower place than where he stands.
///
/// A public peer that tells loopback or private addresses would make us dial our own machine or our own network.
public enum Reach: UInt8, Sendable, Comparable {
    /// This machine.
    case loopback
    /// A private network.
    case site
    /// The internet.
    case internet

    public static func < (left: Reach, right: Reach) -> Bool { left.rawValue < right.rawValue }

    /// The reach of an IP address; nil for one that must never be dialled: unspecified, multicast, broadcast,
    /// reserved, link-local.
    public init?(_ ip: IPAddress) {
        switch ip.scope {
        case .loopback: self = .loopback
        case .privateNetwork: self = .site
        case .global: self = .internet
        case .unusable, .linkLocal: return nil
        }
    }

    /// Where the far end of a link stands; the internet, as the strictest, when the address does not say.
    public init(linkTo address: Address) {
        if let ip = address.ip {
            self = Reach(ip) ?? .internet
        } else {
            self = address.host == "localhost" ? .loopback : .internet
        }
    }
}

extension PeerRecord {
    /// The addresses that are worth something when a peer with this reach tells them, pinned to the record's peer.
    ///
    /// Poisoned ones are left out: port 0, places that cannot be dialled, places narrower than the teller's.
    public func usable(toldAt reach: Reach) -> [Address] {
        addresses.compactMap { text in
            guard let address = try? Address(text), address.port != 0 else { return nil }
            if let ip = address.ip {
                guard let own = Reach(ip), own >= reach else { return nil }
            }
            return address.pinned(to: peer)
        }
    }

    /// The usable addresses that a node dials on a stranger's word: not names, for what a name leads to can only be
    /// judged once it is resolved.
    public func dialable(toldAt reach: Reach) -> [Address] { usable(toldAt: reach).filter { $0.ip != nil } }

    /// The narrowest and the widest reach among the addresses.
    ///
    /// A record cannot be told in part: it may be told to peers up to the narrowest reach, to nobody (nil) when one of its
    /// addresses is poisoned everywhere. It is worth something from tellers up to the widest; nil: from none.
    var reaches: (narrowest: Reach?, widest: Reach?) {
        var found: [Reach] = []
        var isPoisoned = false
        for text in addresses {
            let address = try? Address(text)
            // A name may lead anywhere; it counts as public.
            let reach = address.flatMap { $0.port == 0 ? nil : $0.ip.map(Reach.init) ?? .internet }
            if let reach { found.append(reach) } else { isPoisoned = true }
        }
        return (isPoisoned ? nil : found.min(), found.max())
    }
}
