import Carrier

extension SentRecord {
    /// The delegation tree as far as this node knows it: its own delegates, and below each the sum that it reports. The more
    /// nodes a delegate reached, the thicker its arrow.
    var graph: Digraph {
        var graph = Digraph("\(outcome.id)", caption: text(.plain) ?? "", direction: "TB")
        graph.node("own", ["label": "this node\n\(bytes) bytes", "shape": "ellipse", "style": "filled"])
        for (index, delegate) in outcome.delegates.enumerated() {
            let (colour, shade) = (Digraph.colour(index + 1), Digraph.shade(index + 1))
            guard let peer = delegate.peer else {
                let missing = "nobody \(index)"
                let label = "\(Self.part(delegate.bucket))\nnobody answered"
                graph.node(missing, ["label": label, "style": "rounded,filled,dashed", "color": colour])
                graph.edge(from: "own", to: missing, ["style": "dashed", "color": colour])
                continue
            }
            graph.node(
                "\(peer)",
                ["label": Self.label(delegate, peer), "color": colour, "fillcolor": shade, "tooltip": "\(peer)"])
            let width = width(of: delegate)
            graph.edge(from: "own", to: "\(peer)", ["color": colour, "penwidth": width])
            guard let report = delegate.report, report.reached > 1 else { continue }
            // Whom the delegate has told, and they in turn, only they know: their sum is what comes back.
            let below = "below \(peer)"
            graph.node(
                below,
                [
                    "label": "\(report.reached - 1) more\nup to \(report.depth) hops away", "shape": "folder",
                    "style": "filled", "color": colour, "fillcolor": shade,
                ])
            graph.edge(from: "\(peer)", to: below, ["color": colour, "penwidth": width])
        }
        return graph
    }

    /// From 1 to 6, as its part of all who were reached.
    private func width(of delegate: BroadcastDelegate) -> String {
        let reached = outcome.delegates.reduce(0) { $0 + Int($1.report?.reached ?? 0) }
        let part = Double(delegate.report?.reached ?? 0) / Double(max(1, reached))
        let tenths = Int((1 + 5 * part) * 10)
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func label(_ delegate: BroadcastDelegate, _ peer: PeerID) -> String {
        var lines = [peer.short, part(delegate.bucket)]
        if let duplicates = delegate.report?.duplicates, duplicates > 0 { lines.append("\(duplicates) duplicates") }
        if delegate.report == nil { lines.append("no report") }
        return lines.joined(separator: "\n")
    }

    /// Which part of the network was a delegate's task: bucket 255 is half of all keys, 254 a quarter.
    private static func part(_ bucket: Int) -> String {
        let halvings = 256 - bucket
        return (1...20).contains(halvings) ? "for 1/\(1 << halvings) of all keys" : "for bucket \(bucket)"
    }
}
