import CarrierWire
import Testing

@testable import CarrierNAT

@Suite("The keeper of a mapping, on a virtual clock")
struct MappingKeeperTests {
    let start = ContinuousClock.now

    func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    func mapping(port: UInt16 = 4000, address: IPAddress? = .v4(0x2c80_000b), lease: Int? = 3600) -> PortMapping {
        PortMapping(
            mapper: "natpmp", transport: .tcp, internalEnd: .init(.v4(0xc0a8_650a), 4000),
            externalEnd: .init(address, port), lease: lease.map { .seconds($0) })
    }

    func keeper() -> MappingKeeper { MappingKeeper(PortRequest(.tcp, 4000), at: start) }

    @Test func asksAtOnceAndRenewsAtHalfTheGrantedLease() {
        var keeper = keeper()
        #expect(keeper.due(at: start) == PortRequest(.tcp, 4000))
        // Less than was asked for: what was granted counts.
        #expect(keeper.granted(mapping(lease: 120), at: start) == [.mapped(mapping(lease: 120))])
        #expect(keeper.due(at: at(59.9)) == nil)
        #expect(keeper.nextDeadline == at(60))
        #expect(keeper.due(at: at(60)) != nil)
        #expect(keeper.granted(mapping(lease: 120), at: at(60)) == [])
        #expect(keeper.nextDeadline == at(120))
    }

    @Test func aRenewalAsksForThePortThatWasGranted() {
        var keeper = keeper()
        _ = keeper.granted(mapping(port: 4001, lease: 10), at: start)
        #expect(keeper.due(at: at(5))?.externalPort == 4001)
        #expect(keeper.due(at: at(5))?.internalPort == 4000)
    }

    @Test func tellsWhatARenewalChanged() {
        var keeper = keeper()
        let first = mapping()
        _ = keeper.granted(first, at: start)
        let moved = mapping(port: 4001)
        #expect(keeper.granted(moved, at: at(1800)) == [.changed(moved, from: first, why: .port)])
        let elsewhere = mapping(port: 4001, address: .v4(0x2c80_000c))
        #expect(keeper.granted(elsewhere, at: at(3600)) == [.changed(elsewhere, from: moved, why: .address)])
        let shorter = mapping(port: 4001, address: .v4(0x2c80_000c), lease: 60)
        #expect(keeper.granted(shorter, at: at(5400)) == [.changed(shorter, from: elsewhere, why: .lease)])
    }

    @Test func aFailedRenewalIsRepeatedAndTheLeaseGoesOn() {
        var keeper = keeper()
        _ = keeper.granted(mapping(lease: 20), at: start)
        #expect(keeper.failed(.deadline, at: at(10)) == [.failed(keeper.request, .deadline)])
        #expect(keeper.mapping != nil)
        #expect(keeper.nextDeadline == at(11))
        _ = keeper.failed(.deadline, at: at(11))
        #expect(keeper.nextDeadline == at(13))
        #expect(keeper.granted(mapping(lease: 20), at: at(13)) == [])
        #expect(keeper.elapsed(at: at(20)) == [])
        #expect(keeper.nextDeadline == at(23))
    }

    @Test func aLeaseThatEndsIsLostAndAskedForAgain() {
        var keeper = keeper()
        _ = keeper.granted(mapping(lease: 8), at: start)
        for second in [4.0, 5, 7] { _ = keeper.failed(.deadline, at: at(second)) }
        #expect(keeper.nextDeadline == at(8))
        #expect(keeper.elapsed(at: at(8)) == [.lost(mapping(lease: 8), why: .expired)])
        #expect(keeper.mapping == nil)
        #expect(keeper.due(at: at(11)) != nil)
        #expect(keeper.granted(mapping(lease: 8), at: at(11)) == [.mapped(mapping(lease: 8))])
    }

    @Test func pausesGrowToHalfAMinute() {
        var keeper = keeper()
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<8 {
            _ = keeper.failed(.deadline, at: now)
            let next = keeper.nextDeadline ?? now
            pauses.append(now.duration(to: next))
            now = next
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
    }

    @Test func aRestartedGatewayIsAskedAtOnceAndThatIsTold() {
        var keeper = keeper()
        _ = keeper.granted(mapping(), at: start)
        keeper.gatewayRestarted(at: at(30))
        #expect(keeper.due(at: at(30)) != nil)
        #expect(
            keeper.granted(mapping(), at: at(30)) == [.changed(mapping(), from: mapping(), why: .restart)])
        #expect(keeper.due(at: at(31)) == nil)
    }

    @Test func aMappingThatTheGatewayForgotIsLostAndAskedForAtOnce() {
        var keeper = keeper()
        _ = keeper.granted(mapping(), at: start)
        #expect(keeper.missing(at: at(30)) == [.lost(mapping(), why: .missing)])
        #expect(keeper.due(at: at(30)) != nil)
    }

    @Test func aPermanentMappingIsNotRenewedButRemoved() {
        var keeper = keeper()
        _ = keeper.granted(mapping(lease: nil), at: start)
        #expect(keeper.nextDeadline == nil)
        #expect(keeper.stop()?.mapping == mapping(lease: nil))
    }

    @Test func aTinyLeaseDoesNotMakeUsFloodTheRouter() {
        var keeper = keeper()
        _ = keeper.granted(mapping(lease: 0), at: start)
        #expect(keeper.due(at: at(0.4)) == nil)
    }

    @Test func theEndRemovesWhatIsHeldAndNothingFollows() {
        var keeper = keeper()
        _ = keeper.granted(mapping(), at: start)
        #expect(keeper.stop()?.mapping == mapping())
        #expect(keeper.nextDeadline == nil)
        #expect(keeper.granted(mapping(), at: at(1)) == [])
        #expect(keeper.failed(.deadline, at: at(1)) == [])
        #expect(keeper.due(at: at(9999)) == nil)
    }

    @Test func theEndRemovesAlsoWhatALostAnswerMayHaveGranted() {
        var keeper = keeper()
        #expect(keeper.stop() == nil)
        keeper = self.keeper()
        keeper.asking()
        let leftover = keeper.stop()
        #expect(leftover?.mapping.externalEnd.port == 4000)
        #expect(leftover?.isHeld == false)
    }
}

@Suite("The epoch of a gateway")
struct EpochWatchTests {
    /// Which of several looks, given as (seconds of ours, epoch), saw a restart.
    func restarts(_ looks: [(Int, UInt32)]) -> [Bool] {
        let start = ContinuousClock.now
        var watch = EpochWatch()
        return looks.map { watch.restarted($0.1, at: start + .seconds($0.0)) }
    }

    @Test func aClockThatRunsIsNoRestart() {
        // The last ones lose an eighth, and of a short time two seconds.
        #expect(restarts([(0, 100), (60, 160), (120, 160 + 53), (124, 160 + 55)]) == [false, false, false, false])
    }

    @Test func aClockThatFellBackIsARestart() {
        #expect(restarts([(0, 100), (60, 3), (120, 63)]) == [false, true, false])
    }

    @Test func aYoungClockThatFellBackIsARestart() {
        #expect(restarts([(0, 5), (20, 5)]) == [false, true])
        // Three seconds old when it fell.
        #expect(restarts([(0, 1), (15, 12)]) == [false, true])
    }

    @Test func theLargestEpochDoesNotOverflow() {
        #expect(restarts([(0, .max), (1 << 40, 0)]) == [false, true])
    }
}
