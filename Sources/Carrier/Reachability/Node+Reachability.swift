internal import CarrierProtocols
public import CarrierWire

/// What a peer says of an address of this node.
public enum ReachabilityVerdict: Sendable, Hashable {
    /// The peer dialled the address and this node answered.
    case reached
    /// It did not; why, in the peer's words.
    case notReached(String)
    /// The peer does not dial there; why, in its words: most often it sees this node at another IP address.
    case refused(String)
    /// The peer has no time for it now.
    case rateLimited
}

extension Node {
    /// Asks a connected peer to dial an address of this node and to shake hands with it there (carrier-wire(7) §5.3).
    ///
    /// - Throws: `RequestError`; `unreachable` when the peer's answer makes no sense.
    public nonisolated(nonsending) func checkReachability(
        of address: Address, by peer: Peer
    ) async throws -> ReachabilityVerdict {
        await with { $0.expectCallback(of: peer.id) }
        let request = ReachabilityRequest(address: address.pinned(to: nil).description)
        let reply = try await peer.request(request.frame(), within: .seconds(20))
        guard reply.opcode == .reachabilityResponse, let answer = try? ReachabilityResponse(fields: reply.body) else {
            throw RequestError.unreachable("expected a ReachabilityResponse, got \(reply.opcode)")
        }
        switch answer.status {
        case ReachabilityResponse.reached: return .reached
        case ReachabilityResponse.notReached: return .notReached(answer.text)
        case ReachabilityResponse.rateLimited: return .rateLimited
        default: return .refused(answer.text)
        }
    }

    /// Asks peers that this node dialled whether these addresses of it can be reached, now and from time to time; what they find
    /// comes as `ReachabilityNotice`. Replaces the addresses of the last call.
    public func watchReachability(of addresses: [Address]) async {
        await with { core in
            core.tick()
            core.host.with(Reachability.self) { block, context in block.watch(addresses, &context) }
            core.carryOutWork()
        }
    }
}
