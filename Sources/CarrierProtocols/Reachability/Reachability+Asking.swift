public import CarrierCrypto
public import CarrierWire

/// What a peer found when it dialled an address of this node.
public struct ReachabilityNotice: Notice, Hashable {
    /// The address.
    public let address: Address
    /// Whether this node answered there.
    public let isReachable: Bool
    /// Who dialled.
    public let witness: PeerID
    /// Why it did not succeed, in the words of the witness.
    public let text: String
}

/// So many peers see this node at the same address of the internet that it counts.
public struct AddressObserved: Notice, Hashable {
    /// The address; its port is none that could be dialled.
    public let ip: IPAddress
}

extension Reachability {
    /// An address of this node that peers are asked to dial.
    struct Watched {
        let address: Address
        /// Peers that have been asked in this round.
        var asked: Set<PeerID> = []
        var failures = 0
        /// The last word that the application heard.
        var isReachable: Bool?
        var isSettled = false
    }

    /// Asks peers that this node dialled to dial these addresses, now and from time to time; one success is enough. Replaces the
    /// addresses that were asked about before.
    public mutating func watch(_ addresses: [Address], _ context: inout Context) {
        watched = addresses.map { address in
            watched.first { $0.address == address } ?? Watched(address: address)
        }
        askWhereNeeded(&context)
    }

    /// The addresses of the internet that enough peers see this node at.
    public var observedAddresses: [IPAddress] { observed.confirmed(by: configuration.observers) }

    mutating func observe(_ peer: PeerInfo, _ context: inout Context) {
        // Who dials us may be anybody, and four of them the same.
        guard peer.isOutbound, let ip = (try? Address(peer.observedAddress))?.ip, Reach(ip) == .internet else { return }
        let before = observedAddresses
        observed.note(ip, by: peer.peer)
        for ip in observedAddresses where !before.contains(ip) { context.perform(.deliver(AddressObserved(ip: ip))) }
    }

    /// A new round.
    mutating func askAgain(_ context: inout Context) {
        context.perform(.schedule(Self.round, at: context.now + configuration.interval))
        for index in watched.indices {
            watched[index].asked = []
            watched[index].failures = 0
            watched[index].isSettled = false
        }
        askWhereNeeded(&context)
    }

    /// Asks about each address that nobody is dialling just now and that is still in doubt.
    mutating func askWhereNeeded(_ context: inout Context) {
        for index in watched.indices {
            let candidate = watched[index]
            guard !candidate.isSettled, !asking.values.contains(candidate.address),
                let witness = witness(for: candidate, context)
            else { continue }
            watched[index].asked.insert(witness)
            let ticket = nextTicket()
            asking[ticket] = candidate.address
            let request = ReachabilityRequest(address: candidate.address.pinned(to: nil).description)
            context.send(
                request.frame(), to: Destination(witness), .reply(ticket, within: configuration.limit + .seconds(2)))
        }
    }

    /// Somebody to ask: a peer that this node dialled and that sees it at the address's host, for others refuse.
    private func witness(for candidate: Watched, _ context: Context) -> PeerID? {
        context.peers.values.filter { peer in
            peer.isOutbound && !candidate.asked.contains(peer.peer)
                && (try? Address(peer.observedAddress))?.ip == candidate.address.ip
        }.map(\.peer).min()
    }

    mutating func judge(_ address: Address, by peer: PeerID, _ answer: Answer, _ context: inout Context) throws {
        defer { askWhereNeeded(&context) }
        guard case .reply(let frame) = answer, frame.opcode == .reachabilityResponse,
            let index = watched.firstIndex(where: { $0.address == address })
        else { return }
        let response = try ReachabilityResponse(fields: frame.body)
        switch response.status {
        case ReachabilityResponse.reached: watched[index].isSettled = true
        case ReachabilityResponse.notReached:
            watched[index].failures += 1
            watched[index].isSettled = watched[index].failures >= configuration.witnesses
        default: return
        }
        let isReachable = response.status == ReachabilityResponse.reached
        guard watched[index].isReachable != isReachable else { return }
        watched[index].isReachable = isReachable
        context.perform(
            .deliver(
                ReachabilityNotice(address: address, isReachable: isReachable, witness: peer, text: response.text)))
    }
}
