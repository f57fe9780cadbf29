/// A directed graph in the language of Graphviz, for `dot -Tsvg`.
struct Digraph {
    /// What `dot` calls attributes: names and values.
    typealias Attributes = KeyValuePairs<String, String>

    private var lines: [String]
    private var indent = "  "

    /// - Parameters:
    ///   - name: what it shows; also its caption.
    ///   - direction: where it grows: `LR` or `TB`.
    init(_ name: String, caption: String, direction: String) {
        lines = ["digraph \(Self.quoted(name)) {"]
        add("graph", [("label", caption), ("labelloc", "t"), ("rankdir", direction), ("fontname", "sans-serif")])
        add(
            "node",
            [
                ("shape", "box"), ("style", "rounded,filled"), ("fillcolor", "white"), ("fontname", "sans-serif"),
                ("fontsize", "11"), ("colorscheme", "dark28"),
            ])
        add("edge", [("fontname", "sans-serif"), ("fontsize", "10"), ("colorscheme", "dark28")])
    }

    /// The colour of a number from 1 on; there are eight.
    static func colour(_ number: Int) -> String { "\((max(1, number) - 1) % 8 + 1)" }
    /// The same, as light as paper: to write on.
    static func shade(_ number: Int) -> String { "/pastel28/\(colour(number))" }

    /// Adds a node, or says more of one.
    mutating func node(_ name: String, _ attributes: Attributes) {
        add(Self.quoted(name), attributes.map { ($0.key, $0.value) })
    }

    /// Adds an edge.
    mutating func edge(from tail: String, to head: String, _ attributes: Attributes = [:]) {
        add("\(Self.quoted(tail)) -> \(Self.quoted(head))", attributes.map { ($0.key, $0.value) })
    }

    /// Draws a frame around the nodes that `body` adds.
    mutating func cluster(_ number: Int, _ label: String, _ body: (inout Digraph) -> Void) {
        lines.append("\(indent)subgraph \(Self.quoted("cluster_\(number)")) {")
        indent += "  "
        add(
            "graph",
            [
                ("label", label), ("style", "rounded,filled"), ("colorscheme", "dark28"),
                ("color", Self.colour(number)), ("fillcolor", Self.shade(number)), ("fontcolor", Self.colour(number)),
            ])
        body(&self)
        indent.removeLast(2)
        lines.append("\(indent)}")
    }

    /// The whole, without a line end.
    var text: String { lines.joined(separator: "\n") + "\n}" }

    private mutating func add(_ what: String, _ attributes: [(name: String, value: String)]) {
        let list = attributes.map { "\($0.name)=\(Self.quoted($0.value))" }.joined(separator: ", ")
        lines.append(list.isEmpty ? "\(indent)\(what);" : "\(indent)\(what) [\(list)];")
    }

    /// A string as `dot` reads it; what comes from outside cannot leave it.
    static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}
