public import CarrierCrypto
public import CarrierProtocols
public import CarrierWire
public import NIOCore

/// A call that needs a component which the node was not started with.
public struct MissingComponent: Error, Hashable, Sendable, CustomStringConvertible {
    /// The type of the component.
    public let name: String
    public var description: String { "expected the node to run \(name), it does not; start it with that component" }
}

extension Node {
    /// The components of a full member of the overlay: it answers pings and lookups, keeps a routing table, passes broadcasts on.
    public static func overlayComponents(
        _ identity: Identity, discovery: DiscoveryConfiguration = DiscoveryConfiguration(),
        broadcast: BroadcastConfiguration = BroadcastConfiguration()
    ) -> [any Component] {
        standardComponents + [Discovery(discovery), BroadcastTree(identity, broadcast)]
    }

    /// Waits until the node has joined the overlay through its bootstrap peers: its first lookup of itself has ended, or, with
    /// `settled`, its table is filled. With nobody to join through, that is at once.
    ///
    /// - Throws: `JoinError` when none of the bootstrap peers can be reached; `NodeStopped`.
    public func joined(settled: Bool = false) async throws {
        let failures: [JoinNotice.Failure]? = try await withNotice { core, done in
            switch core.host.with(Discovery.self, { discovery, _ in discovery.progress }) {
            case .settled: return done(.success(nil))
            case .joined where !settled: return done(.success(nil))
            case .unreachable(let failures): return done(.success(failures))
            case .joined, .joining, nil: break
            }
            core.listen(done) { notice in
                switch notice as? JoinNotice {
                case .unreachable(let failures): .success(failures)
                case .joined: settled ? nil : .success(nil)
                case .settled: .success(nil)
                case nil: nil
                }
            }
        }
        if let failures { throw JoinError(failures: failures) }
    }

    /// Looks for a node, or for the nodes nearest to a place (S/Kademlia, Baumgart & Mies 2007).
    ///
    /// - Parameters:
    ///   - target: the place.
    ///   - options: how to look; default as carrier's own look-ups.
    ///   - trace: called on the node's loop with each query, when the options ask for a trace.
    /// - Throws: `MissingComponent`, `NodeStopped`.
    public func lookup(
        _ target: NodeID, _ options: LookupOptions = LookupOptions(),
        trace: @escaping @Sendable (LookupTraced) -> Void = { _ in }
    ) async throws -> LookupResult {
        try await withNotice { core, done in
            core.tick()
            let ticket = core.host.with(Discovery.self) { discovery, context in
                discovery.lookup(target, options, &context)
            }
            guard let ticket else { return done(.failure(MissingComponent(name: "Discovery"))) }
            core.listen(done) { notice in
                if let traced = notice as? LookupTraced, traced.ticket == ticket { trace(traced) }
                guard let finished = notice as? LookupFinished, finished.ticket == ticket else { return nil }
                return .success(finished.result)
            }
            core.carryOutWork()
        }
    }

    /// What became of a broadcast.
    public struct BroadcastOutcome: Sendable {
        /// Names the broadcast.
        public let id: Broadcast.ID
        /// First delegates, and how many of them acknowledged.
        public let asked: Int
        /// How many of those acknowledged.
        public let acknowledged: Int
        /// Each of the first delegates, with its report where one came.
        public let delegates: [BroadcastDelegate]
        /// What the nodes report; nil when no report was asked for.
        public let report: BroadcastReported?
    }

    /// Tells everyone in the overlay.
    ///
    /// - Throws: `BroadcastError`, `MissingComponent`, `NodeStopped`.
    public func broadcast(
        _ body: ByteBuffer, opcode: Opcode, codec: Codec = .bytes, _ options: BroadcastOptions = BroadcastOptions()
    ) async throws -> BroadcastOutcome {
        try await withNotice { core, done in
            core.tick()
            let begun: Result<Ticket, BroadcastError>? = core.host.with(BroadcastTree.self) { tree, context in
                do throws(BroadcastError) {
                    return .success(try tree.broadcast(body, opcode: opcode, codec: codec, options, &context))
                } catch { return .failure(error) }
            }
            switch begun {
            case nil: return done(.failure(MissingComponent(name: "BroadcastTree")))
            case .failure(let error): return done(.failure(error))
            case .success(let ticket):
                core.listen(done) { notice in
                    if let sent = notice as? BroadcastSent, sent.ticket == ticket, options.reportTimeout <= .zero {
                        return .success(
                            BroadcastOutcome(
                                id: sent.id, asked: sent.asked, acknowledged: sent.acknowledged,
                                delegates: sent.delegates, report: nil))
                    }
                    guard let reported = notice as? BroadcastReported, reported.ticket == ticket else { return nil }
                    return .success(
                        BroadcastOutcome(
                            id: reported.id, asked: reported.asked, acknowledged: reported.acknowledged,
                            delegates: reported.delegates, report: reported))
                }
            }
            core.carryOutWork()
        }
    }

    /// The routing table as bytes, for `restoreContacts`.
    public func savedContacts() async -> ByteBuffer { await with { $0.host.context.contacts.saved() } }

    /// Takes in a routing table that `savedContacts` gave; what is damaged in it is left out, and every signature is checked.
    ///
    /// - Returns: what was read.
    public func restoreContacts(_ bytes: ByteBuffer) async -> RoutingTable.Restored? {
        await with { core in
            core.tick()
            let restored = core.host.with(Discovery.self) { discovery, context in discovery.restore(bytes, &context) }
            core.carryOutWork()
            return restored
        }
    }

    /// How many nodes the routing table holds.
    public var contactCount: Int { get async { await with { $0.host.context.contacts.count } } }

    /// Calls `body` on the loop and waits until it calls `done`, which a stopped node does itself.
    nonisolated(nonsending) func withNotice<Value: Sendable>(
        _ body: @escaping @Sendable (NodeCore, @escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let core = bound
            Self.onLoop(loop) {
                guard !core.value.isStopping else { return continuation.resume(throwing: NodeStopped()) }
                body(core.value) { continuation.resume(with: $0) }
            }
        }
    }
}

extension NodeCore {
    /// Calls `done` with what `find` sees in a notice, or when the node stops.
    fileprivate func listen<Value>(
        _ done: @escaping (Result<Value, any Error>) -> Void,
        find: @escaping (any Notice) -> Result<Value, any Error>?
    ) {
        _ = listenForNotices { notice in
            let found = notice is NodeStopped ? .failure(NodeStopped()) : find(notice)
            if let found { done(found) }
            return found != nil
        }
    }
}

/// None of the bootstrap peers could be reached.
public struct JoinError: Error, Sendable, CustomStringConvertible {
    /// Why, peer by peer; empty where there was nobody to ask.
    public let failures: [JoinNotice.Failure]

    public var description: String {
        failures.isEmpty
            ? "expected a bootstrap peer that stays connected, got none; name one with --bootstrap, and give each of several nodes an identity of its own"
            : failures.map { "\($0.address): \($0.error)" }.joined(separator: "; ")
    }
}
