import Carrier
import CarrierProtocols
import CarrierWire

/// What the network is told of where the node can be dialled.
struct PublishedRecord: Record {
    static var type: StaticString { "published" }
    let addresses: [Address]

    func encode(into line: inout JSONLine) { line.add("addresses", addresses.map(\.description)) }
    func text(_ style: Style) -> String? { nil }
}

/// What a peer found when it dialled an address of the node.
struct ReachableRecord: Record {
    static var type: StaticString { "reachable" }
    let notice: ReachabilityNotice

    func encode(into line: inout JSONLine) {
        line.add("address", "\(notice.address)")
        line.add("reachable", notice.isReachable)
        line.add("via", "\(notice.witness)")
        line.add("reason", ifPresent: notice.isReachable ? nil : notice.text)
    }

    func text(_ style: Style) -> String? { nil }
}

/// How it stands with the door at a relay.
struct DoorRecord: Record {
    static var type: StaticString { "door" }
    let notice: DoorNotice

    func encode(into line: inout JSONLine) {
        switch notice {
        case .opened(_, let door):
            line.add("event", "open")
            line.add("address", "\(door)")
        case .closed(_, let door):
            line.add("event", "closed")
            line.add("address", "\(door)")
        case .notNeeded(_, let reached):
            line.add("event", "not-needed")
            line.add("address", "\(reached)")
        case .failed(_, let reason):
            line.add("event", "failed")
            line.add("reason", reason)
        }
        line.add("relay", "\(notice.relay)")
    }

    func text(_ style: Style) -> String? { nil }
}
