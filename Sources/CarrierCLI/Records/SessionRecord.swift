import Carrier
import CarrierProtocols
import CarrierWire

/// A session that this command opened.
struct SessionRecord: Record {
    static var type: StaticString { "session" }
    /// What the user wrote.
    let target: String
    let isPinned: Bool
    let peer: Peer

    func encode(into line: inout JSONLine) {
        line.add("target", target)
        line.add("peer", "\(peer.id)")
        line.add("pinned", isPinned)
        line.add("transport", peer.info.address.scheme.name)
        line.add("connect_ms", milliseconds: peer.connectTime)
        line.add("handshake_ms", milliseconds: peer.handshakeTime)
    }

    func text(_ style: Style) -> String? {
        "session \(peer.info.address) connect \(milliseconds(peer.connectTime)) handshake \(milliseconds(peer.handshakeTime))"
    }
}

/// A duration as ping prints it: `0.41ms`.
func milliseconds(_ duration: Duration) -> String {
    "\(decimal(duration.milliseconds, places: duration.milliseconds < 10 ? 3 : 2))ms"
}

/// A number with so many decimals.
func decimal(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int64(scaled / scale)
    let fraction = String(Int64(scaled) - whole * Int64(scale))
    let sign = value < 0 ? "-" : ""
    if places == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
}
