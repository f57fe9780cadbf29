/// When to ask for one mapping, when to renew it, and what to tell: a machine without clock and network.
///
/// Half of the granted lease after an answer it asks again. A renewal that fails is repeated with growing pauses, and the
/// mapping stays held until its lease has ended. A router that restarted or forgot is asked again at once.
struct MappingKeeper {
    typealias Instant = ContinuousClock.Instant

    private enum State {
        /// Nothing is held. `failures` requests in a row went wrong.
        case wanted(at: Instant, failures: Int)
        case held(Holding)
        case ended
    }

    private struct Holding {
        var mapping: PortMapping
        /// When to renew; nil for a permanent mapping that nobody doubts.
        var renewAt: Instant?
        /// When the router forgets; nil: never.
        var endsAt: Instant?
        var failures = 0
        /// Whether the router restarted since.
        var isDoubted = false
    }

    let request: PortRequest
    private var state: State
    /// What was held last, for telling whether a new mapping is another one.
    private(set) var last: PortMapping?
    /// Whether a request is on its way: the router may have granted it when the answer is lost.
    private(set) var isAsking = false

    init(_ request: PortRequest, at now: Instant) {
        self.request = request
        state = .wanted(at: now, failures: 0)
    }

    /// What is held; nil while nothing is.
    var mapping: PortMapping? {
        if case .held(let holding) = state { holding.mapping } else { nil }
    }

    /// When there is something to do next; nil for nothing.
    var nextDeadline: Instant? {
        switch state {
        case .wanted(let at, _): at
        case .held(let holding): [holding.renewAt, holding.endsAt].compactMap(\.self).min()
        case .ended: nil
        }
    }

    /// What to ask the router for now; nil for nothing. A renewal asks for the port that was granted.
    func due(at now: Instant) -> PortRequest? {
        switch state {
        case .wanted(let at, _): return at <= now ? wish : nil
        case .held(let holding):
            guard let renewAt = holding.renewAt, renewAt <= now else { return nil }
            return wish
        case .ended: return nil
        }
    }

    /// The request is sent; `granted` or `failed` follows, or nothing when everything ends.
    mutating func asking() { isAsking = true }

    private var wish: PortRequest {
        var wish = request
        if let last { wish.externalPort = last.externalEnd.port }
        return wish
    }

    /// Notices that a lease has ended.
    mutating func elapsed(at now: Instant) -> [MappingEvent] {
        guard case .held(let holding) = state, let endsAt = holding.endsAt, endsAt <= now else { return [] }
        state = .wanted(at: holding.renewAt ?? now, failures: holding.failures)
        return [.lost(holding.mapping, why: .expired)]
    }

    /// The router granted `mapping`.
    mutating func granted(_ mapping: PortMapping, at now: Instant) -> [MappingEvent] {
        var fresh = Holding(mapping: mapping)
        if let lease = mapping.lease {
            fresh.endsAt = now + lease
            // Not more than twice a second and not less than twice a week, whatever a router grants.
            fresh.renewAt = now + min(max(lease / 2, .milliseconds(500)), .seconds(302_400))
        }
        defer { last = mapping }
        isAsking = false
        switch state {
        case .ended: return []
        case .wanted:
            state = .held(fresh)
            return [.mapped(mapping)]
        case .held(let old):
            state = .held(fresh)
            return Self.change(old.mapping, mapping, restarted: old.isDoubted).map {
                [.changed(mapping, from: old.mapping, why: $0)]
            } ?? []
        }
    }

    private static func change(_ old: PortMapping, _ new: PortMapping, restarted: Bool) -> MappingChange? {
        if old.externalEnd.address != new.externalEnd.address { return .address }
        if old.externalEnd.port != new.externalEnd.port { return .port }
        if restarted { return .restart }
        return old.lease != new.lease ? .lease : nil
    }

    /// The request failed.
    mutating func failed(_ error: NATError, at now: Instant) -> [MappingEvent] {
        isAsking = false
        switch state {
        case .ended: return []
        case .wanted(_, let failures):
            state = .wanted(at: now + Self.pause(failures), failures: failures + 1)
        case .held(var holding):
            holding.renewAt = now + Self.pause(holding.failures)
            holding.failures += 1
            state = .held(holding)
        }
        return [.failed(request, error)]
    }

    /// 1 s, doubling to 30 s.
    private static func pause(_ failures: Int) -> Duration { .seconds(min(1 << min(failures, 5), 30)) }

    /// The router has restarted: what it granted is gone, or soon.
    mutating func gatewayRestarted(at now: Instant) {
        guard case .held(var holding) = state else { return }
        holding.isDoubted = true
        holding.renewAt = now
        state = .held(holding)
    }

    /// The router does not have the mapping any more.
    mutating func missing(at now: Instant) -> [MappingEvent] {
        guard case .held(let holding) = state else { return [] }
        state = .wanted(at: now, failures: 0)
        return [.lost(holding.mapping, why: .missing)]
    }

    /// The router is to be asked now, be the last failure as it may: it has been found again.
    mutating func gatewayFound(at now: Instant) {
        switch state {
        case .wanted(_, let failures): state = .wanted(at: now, failures: failures)
        case .held(var holding):
            holding.renewAt = now
            state = .held(holding)
        case .ended: break
        }
    }

    /// Ends. Returns what must be removed from the router: what is held, or what an answer that never came may have granted.
    mutating func stop() -> (mapping: PortMapping, isHeld: Bool)? {
        defer { state = .ended }
        if let mapping { return (mapping, true) }
        guard isAsking else { return nil }
        let wish = wish
        let guess = PortMapping(
            mapper: "", transport: wish.transport, internalEnd: .init(nil, wish.internalPort),
            externalEnd: .init(nil, wish.externalPort), lease: nil)
        return (guess, false)
    }
}
