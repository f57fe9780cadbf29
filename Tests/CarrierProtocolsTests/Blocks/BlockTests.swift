import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// A host for one component, on a clock of the test's.
private struct BlockBench {
    var host: ComponentHost
    private var nanoseconds: Int64 = 0

    init(_ components: [any Component]) throws {
        let identity = Identity(key: try Ed25519.SigningKey.generate(), puzzleNonce: .zero)
        let record = try PeerRecord(signedBy: identity, sequence: 1, addresses: [])
        host = try ComponentHost(
            components,
            context: Context(
                now: Instant(nanoseconds: 0), unixMicroseconds: 0, random: SeededRandom(1), own: record))
    }

    var now: Instant { Instant(nanoseconds: nanoseconds) }

    mutating func pass(_ duration: Duration) {
        nanoseconds += duration.nanoseconds
        host.advance(now: now, unixMicroseconds: 0)
    }

    mutating func effects() -> [Effect] { host.takeWork().map(\.effect) }

    static func peer() throws -> PeerInfo {
        let identity = Identity(key: try Ed25519.SigningKey.generate(), puzzleNonce: .zero)
        return PeerInfo(
            record: try PeerRecord(signedBy: identity, sequence: 1, addresses: []),
            address: Address(scheme: .tcp, host: "10.0.0.1", port: 1), observedAddress: "", agent: "", isOutbound: true)
    }
}

@Suite("Building blocks")
struct BlockTests {
    @Test("a ping comes back with its payload and its nonce")
    func ping() throws {
        var bench = try BlockBench([PingResponder()])
        let peer = try BlockBench.peer()
        let payload = ByteBuffer(string: "payload")
        let ping = Frame(.ping, flags: .request, nonce: 7, body: payload)
        guard case .claimed = bench.host.receive(Inbound(peer: peer.peer, frame: ping)) else {
            Issue.record("not claimed")
            return
        }
        let effects = bench.effects()
        guard effects.count == 1, case .send(let frame, let destination, .nothing) = effects[0] else {
            Issue.record("expected one frame, got \(effects)")
            return
        }
        #expect(frame.opcode == .pong && frame.flags == .reply && frame.nonce == 7 && frame.body == payload)
        #expect(destination == Destination(peer.peer))
    }

    @Test("metrics: mean, deviation and percentiles of a window that slides, with what was lost in it")
    func metrics() throws {
        var configuration = PeerMetrics.Configuration()
        configuration.interval = .seconds(1)
        configuration.window = 100
        configuration.payload = 500
        var bench = try BlockBench([PeerMetrics(configuration)])
        let peer = try BlockBench.peer()
        bench.host.start()
        bench.host.connected(peer)
        guard case .schedule(let round, let first)? = bench.effects().first else {
            Issue.record("nothing scheduled")
            return
        }
        #expect(first == Instant(nanoseconds: 1_000_000_000))
        func report() -> PeerMetrics.Report? {
            bench.host.with(PeerMetrics.self) { metrics, _ in metrics.report(of: peer.peer) } ?? nil
        }
        /// One measurement, answered after `time`, or never.
        func measure(_ time: Duration?) throws {
            bench.host.fired(component: 0, round)
            for effect in bench.effects() {
                guard case .send(let frame, _, .reply(let ticket, within: .seconds(10))) = effect else { continue }
                let request = try MetricRequest(fields: frame.body)
                #expect(request.data.readableBytes == 500)
                if let time {
                    bench.pass(time)
                    let reply = MetricResponse(request).frame(flags: .reply)
                    bench.host.answered(component: 0, ticket, by: peer.peer, .reply(reply))
                } else {
                    bench.host.answered(component: 0, ticket, by: peer.peer, .failed(.timeout(.seconds(10))))
                }
            }
        }
        #expect(report() == nil)
        // A hundred old ones that must slide out, then 1 ms … 100 ms.
        for _ in 0..<100 { try measure(.seconds(3)) }
        #expect(report()?.p50 == .seconds(3) && report()?.deviation == .zero)
        for time in 1...100 { try measure(.milliseconds(time)) }
        let full = try #require(report())
        #expect(full.samples == 100 && full.lost == 0)
        #expect(full.mean == .microseconds(50_500))
        #expect(full.p50 == .milliseconds(50) && full.p95 == .milliseconds(95) && full.p99 == .milliseconds(99))
        // The deviation of 1…n is √((n² − 1) / 12).
        #expect(abs(full.deviation.milliseconds - 28.866) < 0.001)
        // 1000 bytes there and back in 50.5 ms each.
        #expect(abs(full.throughput - 1000 / 0.0505) < 0.01)
        for _ in 0..<10 { try measure(nil) }
        #expect(report()?.samples == 90 && report()?.lost == 10 && report()?.p50 == .milliseconds(55))
        for _ in 0..<100 { try measure(.milliseconds(5)) }
        #expect(report()?.samples == 100 && report()?.lost == 0 && report()?.p99 == .milliseconds(5))
        bench.host.disconnected(peer, .broken("test"))
        #expect(report() == nil)
    }

    @Test("reconnecting pauses longer each time, gives up, and begins anew after a success")
    func reconnect() throws {
        let address = Address(scheme: .tcp, host: "10.0.0.1", port: 1)
        var bench = try BlockBench([Reconnect(to: [address])])
        let peer = try BlockBench.peer()
        bench.host.start()
        func dials() -> Bool {
            if case .dial(address, isSpare: false, ticket: Ticket(0))? = bench.effects().first { true } else { false }
        }
        /// The pause until the next dial, in seconds; nil when there is none.
        func pause() -> Double? {
            for effect in bench.effects() {
                if case .schedule(Ticket(0), let at) = effect { return (at - bench.now).milliseconds / 1000 }
            }
            return nil
        }
        func fail() { bench.host.dialled(component: 0, Ticket(0), .failure(.unreachable("test"))) }
        #expect(dials())
        for expected in [1.0, 2.0] {
            fail()
            let seconds = try #require(pause())
            #expect(abs(seconds - expected) <= expected * 0.05)
            bench.pass(.milliseconds(Int64(seconds * 1000) + 1))
            bench.host.fired(component: 0, Ticket(0))
            #expect(dials())
        }
        fail()
        let effects = bench.effects()
        guard case .deliver(let notice)? = effects.first, case .reached(.dialAttempts)? = effects.last else {
            Issue.record("expected to give up after three")
            return
        }
        let givenUp = notice as? Reconnect.GivenUp
        #expect(givenUp?.address == address && givenUp?.error == .unreachable("test"))

        bench.host.dialled(component: 0, Ticket(0), .success(peer))
        bench.host.connected(peer)
        bench.host.disconnected(peer, .broken("test"))
        #expect(abs(try #require(pause()) - 1) <= 0.05)
        bench.host.dialled(component: 0, Ticket(0), .success(peer))
        bench.host.disconnected(peer, .local(.shutdown, ""))
        #expect(pause() == nil)
    }

    @Test("pauses double up to the longest one, with chance")
    func longestPause() throws {
        var configuration = Reconnect.Configuration()
        configuration.attempts = 1000
        var bench = try BlockBench([Reconnect(to: [Address(scheme: .tcp, host: "10.0.0.1", port: 1)], configuration)])
        bench.host.start()
        _ = bench.effects()
        var pauses: [Double] = []
        for _ in 0..<100 {
            bench.host.dialled(component: 0, Ticket(0), .failure(.unreachable("test")))
            if case .schedule(_, let at)? = bench.effects().first {
                pauses.append((at - bench.now).milliseconds / 1000)
            }
        }
        try #require(pauses.count == 100)
        for (index, pause) in pauses.enumerated() {
            let expected = min(16, Double(1 << min(index, 10)))
            #expect(abs(pause - expected) <= expected * 0.05 + 1e-6)
        }
        #expect(Set(pauses.suffix(50)).count > 10)
    }

    @Test("links of one place are few at a time and slow to come; loopback may do as it likes")
    func admission() throws {
        let rate = TokenBucket.Rate(perSecond: 0.2, burst: 16)
        var admission = Admission(perSite: 8, rate: rate)
        let start = Instant(nanoseconds: 0)
        func admit(_ text: String, at seconds: Int = 0) -> Bool {
            admission.admit(IPAddress(text), now: start + .seconds(seconds))
        }
        let (one, other) = ("203.0.113.1", "203.0.113.2")
        let admitted = (0..<20).count { _ in admit(one) }
        #expect(admitted == 8 && admission.refused == (many: 8, fast: 4))
        #expect(admit(other))
        // The bucket is empty now: 16 came at once. One token is back after five seconds.
        for _ in 0..<8 { admission.release(IPAddress(one)) }
        #expect(!admit(one, at: 4))
        #expect(admit(one, at: 6) && !admit(one, at: 6))
        // One IPv6 /56 is one place.
        #expect((0..<4).allSatisfy { _ in admit("2001:db8:0:1::1") && admit("2001:db8:0:ff::1") })
        #expect(!admit("2001:db8:0:1::1"))
        #expect(admit("2001:db8:0:100::1"))
        #expect((0..<1000).allSatisfy { _ in admit("127.0.0.1") })
    }
}
