import ArgumentParser
import Carrier

/// `carrier lookup`: where peers can be dialled.
struct LookupCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookup",
        abstract: "Find the addresses of peers in the overlay.",
        discussion: """
            Joins as a client through the bootstrap peers and asks over disjoint paths, so that no single node decides \
            what is found; says how many of the paths agree.
            """)
    static let exitCodes: [ExitCode] = [
        .ok, .negative, .partial, .unreachable, .auth, .refused, .deadline, .usage, .data, .noinput, .bug, .io, .perm,
    ]
    static let examples = [
        (line: "carrier lookup \"$ID\" | xargs -r -n1 carrier ping -c 3", about: "Ping a peer wherever it is."),
        (line: "carrier lookup --closest 5 \"$ID\"", about: "The five nodes nearest to an id."),
        (
            line: "carrier lookup --trace --dot \"$ID\" | dot -Tsvg >paths.svg",
            about: "A picture of the paths, and their queries on stderr."
        ),
        (line: "while read -r k; do carrier lookup \"$k\" | head -1; done <keys", about: "The best address of each."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions

    @Flag(name: .long, help: "The ids are node ids, not public keys.") var nodeId = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Print so many nodes nearest to the id instead; the number may be left out (default: 16).", valueName: "n"))
    var closest: Int?
    @Option(
        name: .long, help: ArgumentHelp("Ask this one node, once.", valueName: "address"),
        completion: KnownPeers.addresses, transform: AddressArgument.parse)
    var via: Address?
    @Option(
        name: .short, help: ArgumentHelp("Nearest nodes that a path asks, and records an answer holds.", valueName: "n")
    )
    var k = 16
    @Option(name: .long, help: ArgumentHelp("Queries of a path at a time.", valueName: "n")) var alpha = 3
    @Option(name: .long, help: ArgumentHelp("Disjoint paths.", valueName: "n")) var paths = 4
    @Option(name: .long, help: ArgumentHelp("Exit 2 when fewer paths agree.", valueName: "n")) var minAgree: Int?
    @Flag(name: .long, help: "Dial what was found and see who answers.") var verify = false
    @Flag(name: .long, help: "Show each query.") var trace = false
    @Flag(
        name: .long,
        help: "Print each lookup as a Graphviz graph instead: its paths, and who named whom. For dot -Tsvg.")
    var dot = false
    @Argument(
        help: ArgumentHelp("Public keys of 64 hex digits, or - for a list on stdin.", valueName: "id"),
        completion: KnownPeers.ids)
    var ids: [String]

    /// The arguments with the number of each `--closest` that stands alone: the parser knows no option whose value may be missing.
    static func spelledOut(_ arguments: [String]) -> [String] {
        guard arguments.first == name else { return arguments }
        let options = arguments.prefix { $0 != "--" }
        return arguments.enumerated().map { index, word in
            guard word == "--closest", index < options.count else { return word }
            let next = index + 1 < options.count ? options[index + 1] : ""
            // No id is that short.
            let isNumber = (1...9).contains(next.utf8.count) && next.allSatisfy(\.isNumber)
            return isNumber ? word : "--closest=16"
        }
    }

    func validate() throws {
        if dot && common.json { throw ValidationError("--dot and --json both say what stdout carries; leave one out") }
        if !(1...20).contains(k) { throw ValidationError("-k expects 1 to 20, got \(k)") }
        if !(1...16).contains(alpha) { throw ValidationError("--alpha expects 1 to 16, got \(alpha)") }
        if !(1...32).contains(paths) { throw ValidationError("--paths expects 1 to 32, got \(paths)") }
        if let closest, !(1...256).contains(closest) {
            throw ValidationError("--closest expects 1 to 256, got \(closest)")
        }
        if closest != nil, verify || minAgree != nil {
            throw ValidationError("--verify and --min-agree are about one peer; leave them out with --closest")
        }
        if let minAgree, !(1...paths).contains(minAgree) {
            throw ValidationError("--min-agree expects 1 to \(paths), the number of paths, got \(minAgree)")
        }
        for id in ids where id != "-" && PeerID(hex: id) == nil {
            throw ValidationError("expected an id of 64 hex digits, got '\(id)'")
        }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        let targets = try readTargets()
        let bootstrap = via == nil ? try session.neededBootstrapPeers() : []
        return try await session.withNode(console, bootstrap: bootstrap) { node in
            var options = LookupOptions()
            options.goal = closest.map { .closest($0) } ?? .find
            (options.k, options.alpha, options.paths) = (k, alpha, paths)
            options.verifies = verify
            options.isTraced = trace || dot
            if let via { options.via = try await node.dial([via]).id } else { try await node.joined() }
            var codes: [ExitCode] = []
            for target in targets { codes.append(try await look(for: target, options, node, console)) }
            return ExitCode.combined(codes)
        }
    }

    private func readTargets() throws -> [String] {
        let words = try ids.flatMap { $0 == "-" ? try TextFile.lines(of: "-") : [$0] }
        for word in words where PeerID(hex: word) == nil {
            throw Failure(.data, target: "stdin", "expected ids of 64 hex digits, got \"\(word)\"")
        }
        guard !words.isEmpty else { throw Failure(.data, target: "stdin", "expected ids, one a line, got none") }
        return words
    }

    private func look(
        for text: String, _ options: LookupOptions, _ node: Node, _ console: Console
    ) async throws -> ExitCode {
        guard let bytes = Bytes32(hex: text) else { return .usage }
        let target = nodeId ? NodeID(bytes) : PeerID(bytes).nodeID
        let picture = dot ? LookupGraph() : nil
        let result = try await node.lookup(target, options) { event in
            if trace { console.show(event) }
            picture?.add(event)
        }
        try Task.checkCancellation()
        if let picture { console.output.line(picture.graph(text, result, nearest: closest).text) }
        if let closest { return show(result.closest.prefix(closest), of: result, console) }
        guard let found = result.found, !result.addresses.isEmpty else {
            console.report(
                Failure(
                    .negative, target: text,
                    "not found; \(result.queries) queries, \(result.answers) answers over \(result.paths) paths"))
            return .negative
        }
        for address in result.addresses where !dot {
            console.output.emit(
                FoundRecord(
                    peer: found.record.peer, address: address.address, agreeing: address.pathsAgreeing,
                    paths: result.paths, isVerified: address.isVerified))
        }
        console.diagnostics.note(
            result.queries == 0
                ? "\(text.prefix(8)): met while joining, nobody had to be asked"
                : "\(text.prefix(8)): \(result.pathsAgreeing) of \(result.paths) paths agree, \(result.queries) queries in \(milliseconds(result.elapsed))"
        )
        if verify, !result.addresses.contains(where: { $0.isVerified == true }) { return .negative }
        if let minAgree, result.pathsAgreeing < minAgree { return .partial }
        return .ok
    }

    private func show(
        _ neighbours: ArraySlice<LookupResult.Neighbour>, of result: LookupResult, _ console: Console
    ) -> ExitCode {
        for neighbour in neighbours where !dot {
            for address in neighbour.addresses.prefix(1) {
                console.output.emit(
                    FoundRecord(
                        peer: neighbour.node.peer, address: address,
                        agreeing: neighbour.pathsAgreeing, paths: result.paths, isVerified: nil))
            }
        }
        return neighbours.isEmpty ? .negative : .ok
    }
}
