import CarrierCrypto
import CarrierProtocols
import CarrierWire
import Testing

@Suite("A relay decides who gets a door and who passes it")
struct RelayServerTests {
    private func bench(_ change: (inout RelayServer.Configuration) -> Void = { _ in }) throws -> Bench {
        var configuration = RelayServer.Configuration()
        change(&configuration)
        return try Bench(Cast.members[0], [RelayServer(configuration)])
    }

    private func ask(_ bench: inout Bench, _ number: Int) {
        let member = Cast.members[number]
        if bench.host.context.peers[member.peer] == nil { bench.connect(member, isOutbound: false) }
        bench.receive(ProxyRequest(kind: ProxyRequest.openDoor), from: member, flags: .request, nonce: 5)
    }

    /// Doors that were to be opened, by number.
    private func doors(_ bench: Bench) -> [UInt64] {
        bench.relayed.compactMap { if case .openDoor(let number, _) = $0 { number } else { nil } }
    }

    private func closed(_ bench: Bench) -> [UInt64] {
        bench.relayed.compactMap { if case .closeDoor(let number) = $0 { number } else { nil } }
    }

    private func ended(_ bench: Bench) -> [UInt64] {
        bench.relayed.compactMap { if case .endCircuit(let number) = $0 { number } else { nil } }
    }

    private func open(_ bench: inout Bench, _ door: UInt64) throws {
        let address = try Address("tcp://44.0.0.1:7000")
        bench.run { $0.with(RelayServer.self) { $0.doorOpened(door, at: address, &$1) } }
    }

    private func knock(_ bench: inout Bench, _ door: UInt64) throws -> UInt64? {
        let remote = try Address("tcp://9.9.9.9:1234")
        var circuit: UInt64?
        bench.run { circuit = $0.with(RelayServer.self) { $0.knocked(door, from: remote, &$1) } ?? nil }
        return circuit
    }

    private func claim(_ bench: inout Bench, _ ticket: [UInt8]) -> UInt64? {
        var circuit: UInt64?
        bench.run { circuit = $0.with(RelayServer.self) { $0.claim(ticket, &$1) } ?? nil }
        return circuit
    }

    private func responses(_ bench: Bench) throws -> [ProxyResponse] {
        try bench.sent(.proxyResponse).map { try ProxyResponse(fields: bench.sent[$0].frame.body) }
    }

    @Test("a door opens, is told of, and closes with its session")
    func door() throws {
        var bench = try bench()
        ask(&bench, 1)
        let door = try #require(doors(bench).first)
        #expect(try responses(bench).isEmpty)
        try open(&bench, door)
        #expect(try responses(bench).map(\.status) == [ProxyResponse.open])
        #expect(try responses(bench).map(\.publicAddress) == ["tcp://44.0.0.1:7000"])
        #expect(bench.sent.last?.frame.nonce == 5)
        bench.disconnect(Cast.members[1])
        #expect(closed(bench) == [door])
        #expect(try knock(&bench, door) == nil)
    }

    @Test("a door that opens when its owner is gone closes at once; one that cannot open is refused")
    func late() throws {
        var bench = try bench()
        ask(&bench, 1)
        bench.disconnect(Cast.members[1])
        try open(&bench, doors(bench)[0])
        #expect(closed(bench).last == doors(bench)[0])
        #expect(try responses(bench).isEmpty)
        ask(&bench, 2)
        let door = doors(bench)[1]
        bench.run { $0.with(RelayServer.self) { $0.doorOpened(door, at: nil, &$1) } }
        #expect(try responses(bench).map(\.status) == [ProxyResponse.refused])
    }

    @Test("4 doors a node, 128 in all, not too often; none where the node is no relay")
    func doorLimits() throws {
        var bench = try bench()
        for _ in 0..<20 { ask(&bench, 1) }
        #expect(doors(bench).count == 4)
        let first = try responses(bench).map(\.status)
        #expect(first.count { $0 == ProxyResponse.full } == 4)
        #expect(first.count { $0 == ProxyResponse.rateLimited } == 12)
        #expect(bench.reached == Array(repeating: .doorsPerNode, count: 4))
        for number in 2..<200 { ask(&bench, number) }
        #expect(doors(bench).count == 128)
        #expect(try responses(bench).last?.status == ProxyResponse.full)
        #expect(bench.reached.last == .doors)

        var other = try Bench(Cast.members[0], [RelayServer(.refusing)])
        ask(&other, 1)
        #expect(try responses(other).map(\.status) == [ProxyResponse.refused])
        #expect(doors(other).isEmpty)
    }

    @Test("what is no request for a door costs the peer something")
    func malformed() throws {
        var bench = try bench()
        bench.connect(Cast.members[1], isOutbound: false)
        bench.receive(ProxyRequest(kind: ProxyRequest.openDoor), from: Cast.members[1])
        bench.receive(ProxyRequest(kind: 2), from: Cast.members[1], flags: .request)
        #expect(bench.blamed.count == 2)
        #expect(doors(bench).isEmpty)
    }

    @Test("who knocks is told to the owner with a ticket, which is good once and not for long")
    func tickets() throws {
        var bench = try bench()
        ask(&bench, 1)
        let door = doors(bench)[0]
        #expect(try knock(&bench, door) == nil)
        try open(&bench, door)
        let first = try #require(try knock(&bench, door))
        let second = try #require(try knock(&bench, door))
        let offers = try responses(bench).filter { $0.status == ProxyResponse.incoming }
        #expect(offers.map(\.publicAddress) == ["tcp://9.9.9.9:1234", "tcp://9.9.9.9:1234"])
        #expect(offers[0].ticket != offers[1].ticket)
        let zero = [UInt8](repeating: 0, count: 16)
        #expect(claim(&bench, zero) == nil)
        #expect(claim(&bench, offers[0].ticket) == first)
        #expect(claim(&bench, offers[0].ticket) == nil)
        bench.wait(.seconds(11))
        #expect(ended(bench) == [second])
        bench.wait(.seconds(3600))
        #expect(ended(bench) == [second, first] && bench.reached == [.circuitTime])
    }

    @Test("16 connections at a door, those that wait and those that have passed, also when doors come and go")
    func circuitLimits() throws {
        var bench = try bench {
            $0.circuits = 3
            $0.doors = 2
        }
        func fill(_ door: UInt64) throws -> Int {
            try open(&bench, door)
            var count = 0
            while let circuit = try knock(&bench, door), count < 10 {
                count += 1
                let offer = try #require(try responses(bench).last)
                #expect(claim(&bench, offer.ticket) == circuit)
            }
            return count
        }
        ask(&bench, 1)
        #expect(try fill(doors(bench)[0]) == 3)
        bench.disconnect(Cast.members[1])
        ask(&bench, 1)
        #expect(try fill(doors(bench)[1]) == 3)
        bench.disconnect(Cast.members[1])
        ask(&bench, 1)
        #expect(try fill(doors(bench)[2]) == 0)
        #expect(bench.reached == [.circuits, .circuits, .circuits])
        bench.run { $0.with(RelayServer.self) { for circuit in 1...20 { $0.circuitEnded(UInt64(circuit), &$1) } } }
        #expect(try knock(&bench, doors(bench)[2]) != nil)
    }
}
