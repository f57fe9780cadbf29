import Foundation
import Testing

@testable import CarrierCLI

/// Pictures for `dot`, of real nodes on loopback.
@Suite("Pictures")
struct PictureTests {
    /// What Graphviz makes of a graph; where there is none, the graph itself, whose braces and quotes must match.
    static func drawn(_ graph: String, in scratch: Scratch) async throws -> String {
        #expect(graph.count { $0 == "{" } == graph.count { $0 == "}" })
        #expect(graph.count { $0 == "\"" } % 2 == 0)
        guard Scratch.has("dot") else { return graph }
        try scratch.write(graph, to: "graph.dot")
        let outcome = try await scratch.shell("dot -Tsvg graph.dot")
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
        return outcome.output
    }

    /// Six nodes that know each other through the first.
    static func overlay() async throws -> [ListeningNode] {
        var nodes = [try await ListeningNode("--ephemeral")]
        for _ in 0..<5 { nodes.append(try await ListeningNode("--ephemeral", "--bootstrap", nodes[0].address)) }
        return nodes
    }

    static func id(of node: ListeningNode) -> String { String(node.address.dropFirst(6).prefix(64)) }

    @Test("lookup --dot shows each query of --trace, who named its node, and who named the target")
    func lookup() async throws {
        let nodes = try await Self.overlay()
        let target = Self.id(of: nodes[5])
        let scratch = nodes[0].scratch
        let outcome = try await scratch.carrier(
            "lookup", "--ephemeral", "--bootstrap", nodes[0].address, "--trace", "--dot", target)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.output.hasPrefix("digraph \"\(target)\" {\n") && outcome.output.hasSuffix("}\n"))
        let asked = outcome.errors.split(separator: "\n").filter { $0.contains(": asks ") }
        #expect(!asked.isEmpty)
        let arrows = outcome.output.split(separator: "\n").filter { $0.contains(" -> ") && !$0.contains("\"target\"") }
        #expect(arrows.count == asked.count)
        for line in asked where line.contains("known here") {
            let short = line.split(separator: ": asks ")[1].prefix(8)
            #expect(arrows.contains { $0.contains("\"own\" -> \"\(short)") }, "\(line)")
        }
        #expect(outcome.output.contains("-> \"target\""))
        let picture = try await Self.drawn(outcome.output, in: scratch)
        #expect(picture.contains("path 1") && picture.contains("this node"))
    }

    @Test("lookup --closest takes a number or none, prints no more than that, and draws its graph, too")
    func closest() async throws {
        let nodes = try await Self.overlay()
        let scratch = nodes[0].scratch
        let id = Self.id(of: nodes[5])
        let common = ["lookup", "-q", "--ephemeral", "--bootstrap", nodes[0].address]
        func lines(_ arguments: String...) async throws -> Int {
            let words = (common + arguments).map { "'\($0)'" }.joined(separator: " ")
            let outcome = try await scratch.shell("carrier \(words)")
            #expect(outcome.code == 0, "\(outcome)")
            return outcome.lines.count { $0.hasPrefix("tcp://") }
        }
        #expect(try await lines("--closest", "2", id) == 2)
        #expect(try await lines("--closest=3", id) == 3)
        #expect(try await lines("--closest", id) == 6)
        #expect(try await lines(id, "--closest") == 6)
        let wrong = try await scratch.carrier("lookup", "--closest", "0", id)
        #expect(wrong.code == 64 && wrong.errors.contains("1 to 256"), "\(wrong)")
        let drawn = try await scratch.carrier(
            "lookup", "--ephemeral", "--bootstrap", nodes[0].address, "--dot", "--closest", "2", id)
        #expect(try await Self.drawn(drawn.output, in: scratch).contains("2 nearest nodes"))
        #expect(drawn.output.components(separatedBy: "rounded,filled,bold").count == 3)
    }

    @Test("broadcast --dot is a tree whose numbers are those of the report")
    func broadcast() async throws {
        let nodes = try await Self.overlay()
        let scratch = nodes[0].scratch
        try scratch.write("hello\n", to: "message")
        let options = ["broadcast", "--ephemeral", "--bootstrap", nodes[0].address]
        let words = options.map { "'\($0)'" }.joined(separator: " ")
        let record = try #require(try await scratch.shell("carrier \(words) --json message").records.first)
        let delegates = try #require(record["delegates"]?.array).compactMap(\.object)
        #expect(delegates.count == Int(record["asked"]?.number ?? -1))
        #expect(delegates.reduce(0) { $0 + ($1["reached"]?.number ?? 0) } == record["reached"]?.number)
        #expect(record["reached"]?.number == 6)

        let outcome = try await scratch.shell("carrier \(words) --dot message")
        #expect(outcome.code == 0 && outcome.output.contains("reached 6 depth "), "\(outcome)")
        let below = outcome.output.matches(of: /label="(\d+) more/).compactMap { Int($0.1) }.reduce(0, +)
        let direct = outcome.output.components(separatedBy: "\"own\" -> ").count - 1
        #expect(below + direct == 6, "\(outcome)")
        #expect(try await Self.drawn(outcome.output, in: scratch).contains("this node"))
    }

    @Test("--dot and --json do not go together", arguments: ["lookup", "broadcast"])
    func exclusive(command: String) async throws {
        let outcome = try await Scratch().carrier(command, "--dot", "--json", String(repeating: "a", count: 64))
        #expect(outcome.code == 64 && outcome.errors.contains("leave one out"), "\(outcome)")
    }

    @Test("what comes from outside cannot leave a string of a graph")
    func quoting() async throws {
        #expect(Digraph.quoted("a\"b\\c\nd") == #""a\"b\\c\nd""#)
        var graph = Digraph("\"];evil[", caption: "}\\", direction: "LR")
        graph.node("\"", ["label": "\\\"\n"])
        graph.cluster(1, "\"}") { $0.node("b", [:]) }
        graph.edge(from: "\"", to: "b")
        if Scratch.has("dot") {
            let scratch = try Scratch()
            try scratch.write(graph.text, to: "graph.dot")
            let outcome = try await scratch.shell("dot -Tplain graph.dot")
            #expect(outcome.code == 0 && outcome.lines.count { $0.hasPrefix("node ") } == 2, "\(outcome)")
        }
    }

    @Test("a peer is pinged and dialled by its public key alone, through the bootstrap peers")
    func byKey() async throws {
        let nodes = try await Self.overlay()
        let scratch = nodes[0].scratch
        let id = Self.id(of: nodes[3])
        let ping = try await scratch.carrier(
            "ping", "--ephemeral", "--json", "-c", "2", "-i", "10ms", "--bootstrap", nodes[0].address, id)
        #expect(ping.code == 0 && ping.records.last { $0.type == "summary" }?["target"]?.text == id, "\(ping)")
        let dial = try await scratch.carrier("dial", "-z", "--ephemeral", "--bootstrap", nodes[0].address, id)
        #expect(dial.code == 0 && dial.output.hasPrefix("ok tcp://\(id)@"), "\(dial)")
        let unknown = String(repeating: "a", count: 64)
        let missing = try await scratch.carrier("dial", "--ephemeral", "--bootstrap", nodes[0].address, unknown)
        #expect(missing.code == 3 && missing.errors.contains("not found in the overlay"), "\(missing)")
        let alone = try await scratch.carrier("ping", "--ephemeral", id)
        #expect(alone.code == 3 && alone.errors.contains("--bootstrap"), "\(alone)")
    }
}
