import CarrierCrypto
import CarrierProtocols
import CarrierWire
import Testing

@Suite("A node keeps its door at a relay")
struct RelayClientTests {
    private let relay: Cast.Member
    private let relayAddress: Address

    init() throws {
        relay = Cast.members[1]
        relayAddress = try Address("tcp://44.0.0.1:4000")
    }

    private func bench(_ candidates: [String] = []) throws -> Bench {
        var bench = try Bench(Cast.members[0], [RelayClient([relayAddress])])
        let candidates = try candidates.map { try Address($0) }
        bench.run { $0.with(RelayClient.self) { $0.begin(candidates, &$1) } }
        bench.run { $0.start() }
        return bench
    }

    /// The relay answers the last dial.
    private func connect(_ bench: inout Bench, seesUsAt observed: String = "tcp://44.0.0.9:50000") throws {
        bench.connect(relay, at: relayAddress.description, seesUsAt: observed)
        let info = try #require(bench.host.context.peers[relay.peer])
        bench.dialled(bench.dials.count - 1, .success(info))
    }

    private func open(_ bench: inout Bench, _ door: String, status: UInt16 = ProxyResponse.open) {
        let answer = ProxyResponse(status: status, publicAddress: door)
        bench.answer(bench.sent.count - 1, .reply(answer.frame(flags: .reply)))
    }

    @Test("it asks once at the start, and hears where the door is")
    func opens() throws {
        var bench = try bench()
        #expect(bench.dials.map(\.address) == [relayAddress])
        try connect(&bench)
        let request = try ProxyRequest(fields: try #require(bench.sent.last).frame.body)
        #expect(request == ProxyRequest(kind: ProxyRequest.openDoor))
        open(&bench, "tcp://44.0.0.1:7000")
        let door = try Address("tcp://44.0.0.1:7000")
        #expect(bench.notices(DoorNotice.self) == [.opened(relay: relayAddress, door: door)])
    }

    @Test("a relay that is gone is dialled again, with pauses that double up to 16 s, and never given up")
    func backOff() throws {
        var bench = try bench()
        try connect(&bench)
        open(&bench, "tcp://44.0.0.1:7000")
        bench.disconnect(relay)
        #expect(bench.notices(DoorNotice.self).contains { if case .closed = $0 { true } else { false } })
        var pauses: [Double] = []
        for _ in 0..<8 {
            let start = bench.now
            let count = bench.dials.count
            while bench.dials.count == count { bench.wait(.milliseconds(50)) }
            pauses.append((bench.now - start).milliseconds / 1000)
            bench.dialled(bench.dials.count - 1, .failure(.unreachable("refused")))
        }
        for (pause, expected) in zip(pauses, [1.0, 2, 4, 8, 16, 16, 16, 16]) {
            #expect(abs(pause - expected) <= expected * 0.05 + 0.1, "\(pauses)")
        }
        bench.wait(.seconds(20))
        try connect(&bench)
        open(&bench, "tcp://44.0.0.1:7001")
        #expect(bench.host.with(RelayClient.self) { client, _ in client.doors.values.map(\.port) } == [7001])
    }

    @Test("a connection that ends while the answer is awaited makes one new try, not two")
    func endsInBetween() throws {
        var bench = try bench()
        try connect(&bench)
        bench.answer(bench.sent.count - 1, .failed(.disconnected(.broken("gone"))))
        bench.disconnect(relay)
        let count = bench.dials.count
        bench.wait(.seconds(30))
        #expect(bench.dials.count == count + 1)
    }

    @Test("no door is asked for where the relay itself reaches the node; when that address is gone, one is")
    func notNeeded() throws {
        var bench = try bench(["tcp://44.0.0.9:4000"])
        try connect(&bench)
        #expect(bench.sent.last?.frame.opcode == .reachabilityRequest)
        let reached = ReachabilityResponse(status: ReachabilityResponse.reached)
        bench.answer(bench.sent.count - 1, .reply(reached.frame(flags: .reply)))
        let candidate = try Address("tcp://44.0.0.9:4000")
        #expect(bench.notices(DoorNotice.self) == [.notNeeded(relay: relayAddress, reached: candidate)])
        #expect(bench.sent(.proxyRequest).isEmpty)
        bench.run { $0.with(RelayClient.self) { $0.reconsider([], &$1) } }
        try connect(&bench)
        #expect(bench.sent(.proxyRequest).count == 1)
    }

    @Test("a door is asked for where the relay does not reach the node")
    func needed() throws {
        var bench = try bench(["tcp://44.0.0.9:4000"])
        try connect(&bench)
        let missed = ReachabilityResponse(status: ReachabilityResponse.notReached, text: "timeout")
        bench.answer(bench.sent.count - 1, .reply(missed.frame(flags: .reply)))
        #expect(bench.sent(.proxyRequest).count == 1)
    }

    @Test(
        "a refusal and a door that cannot be dialled are asked about again after a while",
        arguments: [
            ("", ProxyResponse.refused), ("", ProxyResponse.full), ("", ProxyResponse.rateLimited), ("", 77),
            ("nonsense", ProxyResponse.open), ("tcp://44.0.0.1:0", ProxyResponse.open),
            ("tcp://0.0.0.0:1", ProxyResponse.open), ("udp://44.0.0.1:7", ProxyResponse.open),
        ])
    func refused(_ door: String, _ status: UInt16) throws {
        var bench = try bench()
        try connect(&bench)
        open(&bench, door, status: status)
        #expect(bench.notices(DoorNotice.self).contains { if case .failed = $0 { true } else { false } })
        bench.wait(.seconds(29))
        #expect(bench.dials.count == 1)
        bench.wait(.seconds(2))
        #expect(bench.dials.count == 2)
    }

    @Test("who waits at the door is fetched, at most 16 at a time; others' offers cost them something")
    func circuits() throws {
        var bench = try bench()
        try connect(&bench)
        let offer = ProxyResponse(status: ProxyResponse.incoming, publicAddress: "tcp://9.9.9.9:1")
        // No door is open yet.
        bench.receive(offer, from: relay)
        #expect(bench.blamed == [relay.peer])
        // The request went out before.
        let answer = ProxyResponse(status: ProxyResponse.open, publicAddress: "tcp://44.0.0.1:7000")
        bench.answer(bench.sent(.proxyRequest)[0], .reply(answer.frame(flags: .reply)))
        for _ in 0..<20 { bench.receive(offer, from: relay) }
        let fetched = bench.relayed.compactMap { if case .fetch(let circuit) = $0 { circuit } else { nil } }
        #expect(fetched.count == 16)
        #expect(fetched.first?.relay == relayAddress.pinned(to: relay.peer))
        bench.run { $0.with(RelayClient.self) { client, _ in client.circuitEnded(fetched[0]) } }
        bench.receive(offer, from: relay)
        #expect(bench.relayed.count == 17)
        bench.connect(Cast.members[2])
        bench.receive(offer, from: Cast.members[2])
        #expect(bench.blamed.last == Cast.members[2].peer)
        #expect(bench.relayed.count == 17)
    }
}
