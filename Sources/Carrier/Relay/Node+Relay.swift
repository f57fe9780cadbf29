internal import CarrierProtocols
public import CarrierWire
internal import NIOCore

extension Node {
    /// Asks the relays of the configuration for doors now, before the node starts by itself to do so: in `prepare`, so that the
    /// first word of the node about itself names the doors.
    ///
    /// - Parameters:
    ///   - candidates: addresses of this node that make a door needless where the relay reaches one of them.
    ///   - limit: how long to wait for the relays; they are asked further on after that.
    /// - Returns: the doors that are open, by their relay. Later ones come as `DoorNotice`.
    public func openDoors(
        unlessReachableAt candidates: [Address] = [], within limit: Duration
    ) async -> [Address: Address] {
        let count = await with { $0.configuration.relays.count }
        guard count > 0 else { return [:] }
        _ = try? await withNotice { (core: NodeCore, done: @escaping @Sendable (Result<Bool, any Error>) -> Void) in
            var heard: Set<Address> = []
            var timer: Scheduled<Void>?
            let listener = core.listenForNotices { notice in
                guard let notice = notice as? DoorNotice else { return false }
                heard.insert(notice.relay)
                guard heard.count == count else { return false }
                timer?.cancel()
                done(.success(true))
                return true
            }
            timer = core.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
                core.listeningForNotices[listener] = nil
                done(.success(false))
            }
            core.tick()
            core.host.with(RelayClient.self) { client, context in client.begin(candidates, &context) }
            core.carryOutWork()
        }
        return await doors
    }

    /// Tells the relays' part of the node that it has other addresses; where a relay reached one that is gone, it is asked anew.
    public func reconsiderDoors(unlessReachableAt candidates: [Address]) async {
        await with { core in
            core.tick()
            core.host.with(RelayClient.self) { client, context in client.reconsider(candidates, &context) }
            core.carryOutWork()
        }
    }

    /// The doors that relays hold open for this node now, by their relay.
    public var doors: [Address: Address] {
        get async { await with { core in core.host.with(RelayClient.self) { client, _ in client.doors } ?? [:] } }
    }
}
