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
    public init(linkTo address: Address) { self = Reach(address) ?? .internet }

    /// The reach of an address as far as its text tells: a name may lead anywhere and counts as public. nil for one that must
    /// never be dialled.
    init?(_ address: Address) {
        if let ip = address.ip {
            self.init(ip)
        } else if address.host.contains("%") {
            // A zone means something on its own machine only.
            return nil
        } else {
            self.init(name: address.host.lowercased())
        }
    }

    /// The names of this machine (RFC 6761 §6.3), and what resolvers take for an IPv4 address though it does not look like
    /// one (`127.1`, `0x7f000001`).
    private init?(name: String) {
        let labels = name.split(separator: ".")
        guard let last = labels.last else { return nil }
        if last.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) || last.hasPrefix("0x") {
            return nil
        }
        self = last == "localhost" ? .loopback : .internet
    }
}

extension PeerRecord {
    /// The addresses that are worth something when a peer with this reach tells them, pinned to the record's peer.
    ///
    /// Poisoned ones are left out: port 0, places that cannot be dialled, places narrower than the teller's.
    public func usable(toldAt reach: Reach) -> [Address] {
        addresses.compactMap { text in
            guard let address = try? Address(text), address.port != 0,
                let own = Reach(address), own >= reach
            else { return nil }
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
            if let address = try? Address(text), address.port != 0, let reach = Reach(address) {
                found.append(reach)
            } else {
                isPoisoned = true
            }
        }
        return (isPoisoned ? nil : found.min(), found.max())
    }
}
