import Carrier

extension SentRecord {
    /// The delegation tree as far as this node knows it: its own delegates, and below each the sum that it reports.
    var graph: Digraph {
        var graph = Digraph("\(outcome.id)", caption: text(.plain) ?? "", direction: "TB")
        graph.node("own", ["label": "this node\n\(bytes) bytes", "shape": "ellipse"])
        for (index, delegate) in outcome.delegates.enumerated() {
            guard let peer = delegate.peer else {
                let missing = "nobody \(index)"
                graph.node(missing, ["label": "bucket \(delegate.bucket)\nnobody answered", "style": "dashed"])
                graph.edge(from: "own", to: missing, ["style": "dashed"])
                continue
            }
            graph.node(
                "\(peer)",
                ["label": Self.label(delegate, peer), "color": Digraph.colour(index + 1), "tooltip": "\(peer)"])
            graph.edge(from: "own", to: "\(peer)", ["color": Digraph.colour(index + 1)])
            guard let report = delegate.report, report.reached > 1 else { continue }
            // Whom the delegate has told, and they in turn, only they know: their sum is what comes back.
            let below = "below \(peer)"
            graph.node(
                below,
                [
                    "label": "\(report.reached - 1) more\nup to \(report.depth) hops away", "shape": "folder",
                    "style": "solid", "color": Digraph.colour(index + 1),
                ])
            graph.edge(from: "\(peer)", to: below, ["color": Digraph.colour(index + 1)])
        }
        return graph
    }

    private static func label(_ delegate: BroadcastDelegate, _ peer: PeerID) -> String {
        var lines = [peer.short, "bucket \(delegate.bucket)"]
        if let duplicates = delegate.report?.duplicates, duplicates > 0 { lines.append("\(duplicates) duplicates") }
        return lines.joined(separator: "\n")
    }
}
