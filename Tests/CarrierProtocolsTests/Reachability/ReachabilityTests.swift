import CarrierCrypto
import CarrierProtocols
import CarrierWire
import Testing

@Suite("Reachability: telling peers whether they can be dialled")
struct ReachabilityTests {
    private func bench(_ change: (inout Reachability.Configuration) -> Void = { _ in }) throws -> Bench {
        var configuration = Reachability.Configuration()
        change(&configuration)
        var bench = try Bench(Cast.members[0], [Reachability(configuration)])
        bench.run { $0.start() }
        return bench
    }

    private func statuses(_ bench: Bench) throws -> [UInt16] {
        try bench.sent(.reachabilityResponse).map { try ReachabilityResponse(fields: bench.sent[$0].frame.body).status }
    }

    private func info(_ member: Cast.Member) throws -> PeerInfo {
        PeerInfo(
            record: member.record, address: try Address("tcp://9.9.9.9:1").pinned(to: member.peer), observedAddress: "",
            agent: "", isOutbound: true)
    }

    @Test("the address is dialled with the asker's id, and what came of it is told")
    func answers() throws {
        let cases: [(Result<PeerInfo, RequestError>, UInt16)] = [
            (.success(try info(Cast.members[1])), ReachabilityResponse.reached),
            (.failure(.unreachable("no")), ReachabilityResponse.notReached),
            (.failure(.notDialled("full")), ReachabilityResponse.rateLimited),
        ]
        for (outcome, status) in cases {
            var bench = try bench()
            bench.connect(Cast.members[1], at: "tcp://9.9.9.9:50000", isOutbound: false)
            bench.receive(
                ReachabilityRequest(address: "tcp://9.9.9.9:4000"), from: Cast.members[1], flags: .request, nonce: 7)
            #expect(bench.dials.map(\.address) == [try Address("tcp://9.9.9.9:4000").pinned(to: Cast.members[1].peer)])
            #expect(try statuses(bench) == [])
            bench.dialled(0, outcome)
            #expect(try statuses(bench) == [status])
            #expect(bench.sent.last?.frame.nonce == 7)
            #expect(bench.sent.last?.frame.flags == .reply)
        }
    }

    @Test(
        "rows 26 and 27: only the place where the asker is seen is dialled",
        arguments: [
            "tcp://9.9.9.8:4000", "tcp://8.8.8.8:53", "tcp://9.9.9.9:0", "tcp://name.example:4000",
            "tcp://127.0.0.1:22",
            "tcp://10.0.0.1:80", "tcp://0.0.0.0:4000", "tcp://224.0.0.1:1", "tcp://255.255.255.255:1", "", "nonsense",
        ])
    func elsewhere(_ address: String) throws {
        var bench = try bench()
        bench.connect(Cast.members[1], at: "tcp://9.9.9.9:50000", isOutbound: false)
        bench.receive(ReachabilityRequest(address: address), from: Cast.members[1], flags: .request, nonce: 1)
        #expect(try statuses(bench) == [ReachabilityResponse.refused])
        #expect(bench.dials.isEmpty)
    }

    @Test("row 27: one asker has four dials, one place sixteen, all askers a few a second")
    func limits() throws {
        var bench = try bench()
        func ask(_ number: Int, at ip: String, _ bench: inout Bench) {
            let member = Cast.members[number]
            if bench.host.context.peers[member.peer] == nil {
                bench.connect(member, at: "tcp://\(ip):50000", isOutbound: false)
            }
            bench.receive(ReachabilityRequest(address: "tcp://\(ip):4000"), from: member, flags: .request, nonce: 1)
        }
        for _ in 0..<10 {
            let before = bench.dials.count
            ask(1, at: "9.9.9.9", &bench)
            if bench.dials.count > before { bench.dialled(before, .failure(.unreachable("no"))) }
        }
        #expect(bench.dials.count == 4)
        #expect(try statuses(bench).count { $0 == ReachabilityResponse.rateLimited } == 6)
        // Others at the same place: the victim hears from this node sixteen times, then once a second.
        bench.wait(.seconds(100))
        let before = bench.dials.count
        for number in 2..<60 {
            bench.wait(.milliseconds(10))
            let count = bench.dials.count
            ask(number, at: "9.9.9.9", &bench)
            if bench.dials.count > count { bench.dialled(count, .failure(.unreachable("no"))) }
        }
        #expect((16...17).contains(bench.dials.count - before))
        // Many askers, each at a place of its own.
        bench.wait(.seconds(100))
        let all = bench.dials.count
        for number in 60..<160 {
            let count = bench.dials.count
            ask(number, at: "9.9.\(number).9", &bench)
            if bench.dials.count > count { bench.dialled(count, .failure(.unreachable("no"))) }
        }
        #expect(bench.dials.count - all == 16)
    }

    @Test("as many dials as allowed are under way, one for each asker, and each has its time")
    func underWay() throws {
        var bench = try bench()
        for number in 1...10 {
            bench.connect(Cast.members[number], at: "tcp://9.9.\(number).9:5", isOutbound: false)
            for _ in 0..<2 {
                bench.receive(
                    ReachabilityRequest(address: "tcp://9.9.\(number).9:4000"), from: Cast.members[number],
                    flags: .request, nonce: 1)
            }
        }
        #expect(bench.dials.count == 8)
        bench.wait(.seconds(9))
        #expect(try statuses(bench).count { $0 == ReachabilityResponse.notReached } == 8)
        // What comes later is news to nobody.
        let count = bench.sent.count
        bench.dialled(0, .failure(.unreachable("late")))
        #expect(bench.sent.count == count)
    }

    @Test("a question that is no request costs the asker something; a malformed one the connection")
    func malformed() throws {
        var bench = try bench()
        bench.connect(Cast.members[1], at: "tcp://9.9.9.9:50000", isOutbound: false)
        bench.receive(ReachabilityRequest(address: "tcp://9.9.9.9:4000"), from: Cast.members[1])
        bench.receive(Disconnect(.shutdown, "x"), from: Cast.members[1])
        bench.run {
            let frame = Frame(.reachabilityRequest, flags: .request, body: .init(bytes: [9, 0, 0, 0, 65]))
            _ = $0.receive(Inbound(peer: Cast.members[1].peer, frame: frame))
        }
        #expect(bench.blamed.count == 2)
        #expect(bench.dials.isEmpty)
    }

    // MARK: Asking

    private func watch(_ bench: inout Bench, _ addresses: [String]) throws {
        let addresses = try addresses.map { try Address($0) }
        bench.run { host in
            host.with(Reachability.self) { block, context in block.watch(addresses, &context) }
        }
    }

    private func answer(_ bench: inout Bench, _ index: Int, _ status: UInt16) {
        let answer = ReachabilityResponse(status: status, text: "words")
        bench.answer(index, .reply(answer.frame(flags: .reply)))
    }

    @Test("an observed address counts once four different peers that this node dialled agree on it")
    func observed() throws {
        var bench = try bench()
        func meet(_ number: Int, _ observed: String, isOutbound: Bool = true) {
            bench.connect(Cast.members[number], isOutbound: isOutbound, seesUsAt: observed)
        }
        for number in 1...6 { meet(number, "tcp://44.0.0.1:\(number)", isOutbound: false) }
        for number in 7...12 { meet(number, "tcp://192.168.1.2:5") }
        for number in 13...18 { meet(number, "tcp://127.0.0.1:5") }
        for number in 19...21 { meet(number, "tcp://44.0.0.1:\(number)") }
        for _ in 0..<3 { meet(21, "tcp://44.0.0.1:9") }
        meet(22, "nonsense")
        #expect(bench.notices(AddressObserved.self) == [])
        meet(23, "quic://44.0.0.1:77")
        meet(24, "tcp://44.0.0.1:78")
        #expect(bench.notices(AddressObserved.self).map(\.ip) == [try #require(IPAddress("44.0.0.1"))])
    }

    @Test("peers that see the node there are asked until one reaches it")
    func asks() throws {
        var bench = try bench()
        bench.connect(Cast.members[1], isOutbound: false, seesUsAt: "tcp://44.0.0.1:1")
        bench.connect(Cast.members[2], seesUsAt: "tcp://44.0.0.2:1")
        try watch(&bench, ["tcp://44.0.0.1:4000"])
        #expect(bench.sent(.reachabilityRequest).isEmpty)
        bench.connect(Cast.members[3], seesUsAt: "tcp://44.0.0.1:1")
        #expect(bench.sent(.reachabilityRequest).count == 1)
        bench.connect(Cast.members[4], seesUsAt: "tcp://44.0.0.1:1")
        #expect(bench.sent(.reachabilityRequest).count == 1)
        answer(&bench, bench.sent.count - 1, ReachabilityResponse.rateLimited)
        #expect(bench.sent(.reachabilityRequest).count == 2)
        #expect(bench.notices(ReachabilityNotice.self) == [])
        answer(&bench, bench.sent.count - 1, ReachabilityResponse.notReached)
        #expect(bench.notices(ReachabilityNotice.self).map(\.isReachable) == [false])
        bench.connect(Cast.members[5], seesUsAt: "tcp://44.0.0.1:1")
        answer(&bench, bench.sent.count - 1, ReachabilityResponse.reached)
        #expect(bench.notices(ReachabilityNotice.self).map(\.isReachable) == [false, true])
        // Enough is known, for ten minutes.
        bench.connect(Cast.members[6], seesUsAt: "tcp://44.0.0.1:1")
        #expect(bench.sent(.reachabilityRequest).count == 3)
        bench.wait(.seconds(601))
        #expect(bench.sent(.reachabilityRequest).count == 4)
    }

    @Test("three peers that do not reach it are enough")
    func witnesses() throws {
        var bench = try bench()
        for number in 1...9 { bench.connect(Cast.members[number], seesUsAt: "tcp://44.0.0.1:1") }
        try watch(&bench, ["tcp://44.0.0.1:4000"])
        for _ in 0..<5 { answer(&bench, bench.sent.count - 1, ReachabilityResponse.notReached) }
        #expect(bench.sent(.reachabilityRequest).count == 3)
        #expect(bench.notices(ReachabilityNotice.self).count == 1)
    }
}
