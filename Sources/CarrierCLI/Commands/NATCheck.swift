import Carrier
import CarrierNAT
import CarrierProtocols
import CarrierTransport
import CarrierWire

/// `nat-map --check-via`: a node that listens on the mapped ports for a moment, and asks a peer to dial it through the router.
struct NATCheck: Sendable {
    private let via: Address
    private let options: SessionOptions
    private let console: Console

    init(via: Address, _ options: SessionOptions, _ console: Console) {
        self.via = via
        self.options = options
        self.console = console
    }

    /// Checks each mapping; what it says of them goes to stdout and stderr.
    ///
    /// - Returns: a code for each; one that says nothing of a mapping is left out.
    func run(_ mappings: [PortMapping]) async -> [PortMapping: ExitCode] {
        do {
            return try await options.withNode(console) { node in
                let peer = try await node.dial([via])
                var codes: [PortMapping: ExitCode] = [:]
                for mapping in mappings { codes[mapping] = try await check(mapping, node, peer) }
                await peer.disconnect()
                return codes
            }
        } catch {
            guard !Task.isCancelled else { return [:] }
            let failure = Failure(error, target: "\(via)")
            console.report(failure)
            return Dictionary(uniqueKeysWithValues: mappings.map { ($0, failure.code) })
        }
    }

    private func check(_ mapping: PortMapping, _ node: Node, _ peer: Peer) async throws -> ExitCode {
        let scheme = Address.Scheme(mapping.transport.rawValue)
        let port = mapping.internalEnd.port
        do {
            _ = try await node.listen(on: Address(scheme: scheme, host: "0.0.0.0", port: port))
        } catch {
            let reason = "the check listens on \(port)/\(mapping.transport) itself: \(error)"
            console.report(Failure(.unreachable, target: "\(port)/\(mapping.transport)", reason))
            return .unreachable
        }
        // What the router does not know the peer sees.
        let observed = (try? Address(peer.info.observedAddress))?.ip
        guard let ip = mapping.isPublic ? mapping.externalEnd.address : observed ?? mapping.externalEnd.address else {
            console.report(Failure(.unreachable, target: "\(via)", "neither router nor peer knows an external address"))
            return .unreachable
        }
        let address = Address(scheme: scheme, host: "\(ip)", port: mapping.externalEnd.port)
        let verdict = try await node.checkReachability(of: address, by: peer)
        console.output.emit(CheckedRecord(address: address, via: peer, observed: observed, verdict: verdict))
        switch verdict {
        case .reached:
            console.diagnostics.note("\(address) is reachable: \(peer.id.short) dialled it")
            return .ok
        case .notReached(let why):
            console.diagnostics.warning("\(address) is not reachable: \(peer.id.short) says: \(why)")
            return .negative
        case .refused(let why):
            let text = "does not dial \(address): \(why); name a peer on the other side of the router"
            console.report(Failure(.refused, target: "\(via)", text))
            return .refused
        case .rateLimited:
            console.report(Failure(.refused, target: "\(via)", "dials no more for this node just now; try again later"))
            return .refused
        }
    }
}

/// What a peer found when it dialled a mapping.
struct CheckedRecord: Record {
    static var type: StaticString { "checked" }
    let address: Address
    let via: Peer
    let observed: IPAddress?
    let verdict: ReachabilityVerdict

    func encode(into line: inout JSONLine) {
        line.add("address", "\(address)")
        line.add("via", "\(via.info.address)")
        if let observed { line.add("observed_ip", "\(observed)") } else { line.addNull("observed_ip") }
        switch verdict {
        case .reached: line.add("reachable", true)
        case .notReached(let why):
            line.add("reachable", false)
            line.add("reason", why)
        // Nobody has dialled: nothing is known.
        case .refused(let why):
            line.addNull("reachable")
            line.add("reason", why)
        case .rateLimited:
            line.addNull("reachable")
            line.add("reason", "rate limited")
        }
    }

    func text(_ style: Style) -> String? { nil }
}
