import Carrier

/// Where a peer can be dialled.
struct FoundRecord: Record {
    static var type: StaticString { "found" }
    let peer: PeerID
    let address: Address
    let agreeing: Int
    let paths: Int
    let isVerified: Bool?

    func encode(into line: inout JSONLine) {
        line.add("public_key", "\(peer)")
        line.add("node_id", "\(peer.nodeID)")
        line.add("address", "\(address)")
        line.add("paths_agree", agreeing)
        line.add("paths", paths)
        if let isVerified { line.add("verified", isVerified) }
    }

    func text(_ style: Style) -> String? { "\(address)" }
}

extension Console {
    /// One query of a lookup: a record, or a line on stderr.
    func show(_ traced: LookupTraced) {
        let place = "path \(traced.path) hop \(traced.hop)"
        switch traced.event {
        case .query(let peer, let bits, let teller):
            guard output.isJSON else {
                let source = teller.map { "named by \($0.short)" } ?? "known here"
                return diagnostics.status("\(place): asks \(peer.short), \(source), distance \(bits) bits")
            }
            output.record("query") { line in
                line.add("path", traced.path)
                line.add("hop", traced.hop)
                line.add("to", "\(peer)")
                line.add("distance_bits", bits)
                line.add("named_by", ifPresent: teller.map { "\($0)" })
            }
        case .response(let peer, let time, let count, let namesTarget):
            guard output.isJSON else {
                let found = namesTarget ? ", the target among them" : ""
                return diagnostics.status(
                    "\(place): \(peer.short) names \(count) peers in \(milliseconds(time))\(found)")
            }
            output.record("response") { line in
                line.add("path", traced.path)
                line.add("hop", traced.hop)
                line.add("from", "\(peer)")
                line.add("rtt_ms", milliseconds: time)
                line.add("peers", count)
                line.add("names_target", namesTarget)
            }
        case .failure(let peer, let error):
            guard output.isJSON else { return diagnostics.status("\(place): \(peer.short) failed: \(error)") }
            output.record("failure") { line in
                line.add("path", traced.path)
                line.add("hop", traced.hop)
                line.add("from", "\(peer)")
                line.add("message", "\(error)")
            }
        }
    }
}
