internal import CarrierCrypto
internal import CarrierWire
public import NIOCore

/// How far a node has come in joining the overlay.
struct Joining: Sendable {
    enum Phase: Equatable {
        /// Nothing runs: waiting for a contact, or for the next try.
        case idle
        /// Bootstrap peers are being dialled, so many still open.
        case dialling(Int)
        /// The node looks itself up.
        case searching
        /// The farther buckets are being filled, these to come.
        case filling([Int])
        /// The farther buckets have been filled, too.
        case settled
    }

    var phase = Phase.idle
    var failures: [JoinNotice.Failure] = []
    var tries = 0
    var lastSelfLookup: Instant?

    var isSettled: Bool { phase == .settled }

    /// Whether the node should begin to join though nobody told it to: it was found, or it has lost everybody.
    func isDue(hasContacts: Bool) -> Bool { phase == .idle && hasContacts || phase == .settled && !hasContacts }
}

/// How far a node has come in joining the overlay.
public enum JoinProgress: Sendable {
    /// On the way.
    case joining
    /// No bootstrap peer could be reached so far; the node goes on trying.
    case unreachable([JoinNotice.Failure])
    /// The node knows its neighbours.
    case joined
    /// The farther buckets have been filled, too.
    case settled
}

extension Discovery {
    /// How far the node has come in joining.
    public var progress: JoinProgress {
        switch joining.phase {
        case .settled: .settled
        case .filling: .joined
        case .idle where configuration.bootstrap.isEmpty || !joining.failures.isEmpty: .unreachable(joining.failures)
        case .idle, .dialling, .searching: .joining
        }
    }

    /// How long the farther buckets are filled at the most: peers that fall silent must not keep a node from saying that it has
    /// joined. Upkeep goes on with what is left.
    private static let fillingLimit: Duration = .seconds(10)
    /// Most bootstrap addresses that are dialled at a time.
    private static let bootstrapLimit = 16

    /// Dials the bootstrap peers; with contacts from before, begins with these at once.
    mutating func join(_ context: inout Context) {
        joining.failures = []
        let addresses = configuration.bootstrap.prefix(Self.bootstrapLimit)
        joining.phase = .dialling(addresses.count)
        for address in addresses {
            context.perform(.dial(address, isSpare: true, ticket: ticket(.bootstrap(address))))
        }
        if context.contacts.count > 0 {
            beginJoin(&context)
        } else if addresses.isEmpty {
            joining.phase = .idle
            context.perform(.deliver(JoinNotice.unreachable([])))
        }
    }

    mutating func bootstrapDialled(
        _ address: Address, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        switch outcome {
        case .success(let info):
            observe(VerifiedRecord(provedBy: info), .answered, Reach(linkTo: info.address), &context)
        case .failure(let error): joining.failures.append(JoinNotice.Failure(address: address, error: error))
        }
        guard case .dialling(let open) = joining.phase else { return }
        joining.phase = .dialling(open - 1)
        if context.contacts.count > 0 {
            beginJoin(&context)
        } else if open <= 1 {
            tryLater(&context)
        }
    }

    /// Nobody could be reached: says so, and tries again after a pause that doubles.
    private mutating func tryLater(_ context: inout Context) {
        joining.phase = .idle
        context.perform(.deliver(JoinNotice.unreachable(joining.failures)))
        guard !configuration.bootstrap.isEmpty else { return }
        let factor = Int64(1) << Int64(min(joining.tries, 6))
        joining.tries += 1
        let pause = min(
            configuration.bootstrapPause.nanoseconds.multipliedReportingOverflow(by: factor).partialValue,
            60_000_000_000)
        context.perform(.schedule(ticket(.rejoin), at: context.now + .nanoseconds(max(0, pause))))
    }

    mutating func beginJoin(_ context: inout Context) {
        guard context.contacts.count > 0 else { return join(&context) }
        joining.phase = .searching
        lookUpSelf(.join, &context)
    }

    /// A lookup of our own has ended: go on with joining.
    mutating func joinLookupEnded(_ purpose: Purpose, _ context: inout Context) {
        switch (joining.phase, purpose) {
        case (.searching, .join):
            guard context.contacts.contacts.contains(where: { !$0.isSuspect }) else { return tryLater(&context) }
            joining.tries = 0
            context.perform(.deliver(JoinNotice.joined(contacts: context.contacts.count)))
            let k = context.contacts.limits.bucketSize
            let wanting = refreshable(context).filter { context.contacts.contacts(inBucket: $0).count < k }
            joining.phase = .filling(wanting)
            context.perform(.schedule(ticket(.settle), at: context.now + Self.fillingLimit))
            fillNext(&context)
        case (.filling, .refresh): fillNext(&context)
        default: break
        }
    }

    private mutating func fillNext(_ context: inout Context) {
        guard case .filling(var buckets) = joining.phase, !buckets.isEmpty else { return settleIfDone(&context) }
        let bucket = buckets.removeFirst()
        joining.phase = .filling(buckets)
        refresh(bucket, &context)
    }

    /// Joining is over once the buckets are filled and everybody that was told of has been asked.
    mutating func settleIfDone(_ context: inout Context) {
        guard joining.phase == .filling([]), checks.isIdle,
            !active.values.contains(where: { $0.purpose == .refresh })
        else { return }
        settle(&context)
    }

    mutating func settle(_ context: inout Context) {
        joining.phase = .settled
        context.perform(.deliver(JoinNotice.settled(contacts: context.contacts.count)))
    }

    /// Takes in a table that was saved before; call before the node starts.
    public mutating func restore(_ bytes: ByteBuffer, _ context: inout Context) -> RoutingTable.Restored {
        context.contacts.restore(bytes, configuration.verifier, now: context.now)
    }
}
