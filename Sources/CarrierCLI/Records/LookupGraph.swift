import Carrier
import Synchronization

/// What a lookup did, for a picture of its paths: who was asked, and who had named them.
final class LookupGraph: Sendable {
    private let events = Mutex<[LookupTraced]>([])

    /// Takes the next event.
    func add(_ event: LookupTraced) { events.withLock { $0.append(event) } }

    /// The lookup as a graph: a frame a path, an arrow from who named a node to that node.
    ///
    /// - Parameters:
    ///   - name: the id that was looked for.
    ///   - nearest: how many nodes nearest to a place were looked for; nil: one node.
    func graph(_ name: String, _ result: LookupResult, nearest count: Int?) -> Digraph {
        let events = events.withLock { $0 }
        let isSearch = count == nil
        let found = result.closest.prefix(count ?? 0).map(\.node.peer)
        var graph = Digraph(name, caption: caption(name, result, isSearch ? nil : found.count), direction: "LR")
        graph.node("own", ["label": "this node", "shape": "ellipse", "style": "filled"])
        for path in Set(events.map(\.path)).sorted() {
            graph.cluster(path, "path \(path)") { graph in
                for event in events where event.path == path {
                    guard case .query(let peer, let bits, _) = event.event else { continue }
                    describe(peer, bits, events, isNearest: found.contains(peer), path, &graph)
                }
            }
        }
        if isSearch { target(name, result, &graph) }
        for event in events {
            switch event.event {
            case .query(let peer, _, let teller):
                graph.edge(
                    from: teller.map { "\($0)" } ?? "own", to: "\(peer)", ["color": Digraph.colour(event.path)])
            case .response(let peer, _, _, namesTarget: true) where isSearch:
                graph.edge(
                    from: "\(peer)", to: "target", ["color": Digraph.colour(event.path), "penwidth": "2"])
            case .response, .failure: break
            }
        }
        return graph
    }

    private func caption(_ name: String, _ result: LookupResult, _ found: Int?) -> String {
        let what = found.map { "\($0) nearest nodes" } ?? "\(result.pathsAgreeing) of \(result.paths) paths agree"
        return
            "\(name)\n\(what); \(result.queries) queries, \(result.answers) answers in \(milliseconds(result.elapsed))"
    }

    private func describe(
        _ peer: PeerID, _ bits: Int, _ events: [LookupTraced], isNearest: Bool, _ path: Int, _ graph: inout Digraph
    ) {
        var lines = [peer.short, "distance \(bits) bits"]
        var style = "rounded,filled,dotted"
        var end = "not waited for"
        for event in events {
            switch event.event {
            case .response(peer, let time, let count, _):
                end = "named \(count) in \(milliseconds(time))"
                style = isNearest ? "rounded,filled,bold" : "rounded,filled"
            case .failure(peer, let error):
                end = "\(error)"
                style = "rounded,filled,dashed"
            default: break
            }
        }
        lines.append(end)
        graph.node(
            "\(peer)",
            [
                "label": lines.joined(separator: "\n"), "style": style, "color": Digraph.colour(path),
                "tooltip": "\(peer)",
            ])
    }

    private func target(_ name: String, _ result: LookupResult, _ graph: inout Digraph) {
        let addresses = result.addresses.map { "\($0.address.scheme)://\($0.address.host):\($0.address.port)" }
        graph.node(
            "target",
            [
                "label": ([String(name.prefix(8))] + (addresses.isEmpty ? ["not found"] : addresses))
                    .joined(separator: "\n"),
                "style": addresses.isEmpty ? "filled,dashed" : "filled,bold", "fillcolor": "lemonchiffon",
                "peripheries": "2", "tooltip": name,
            ])
        if result.sightings.contains(where: { $0.path == 0 }) {
            graph.edge(from: "own", to: "target", ["label": "known from joining", "penwidth": "2"])
        }
    }
}
