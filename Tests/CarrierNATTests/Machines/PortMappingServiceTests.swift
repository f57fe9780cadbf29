import CarrierWire
import Glibc
import Synchronization
import Testing

@testable import CarrierNAT

@Suite("The port mapping service", .timeLimit(.minutes(1)))
struct PortMappingServiceTests {
    static func service(
        _ mappers: [any PortMapper], check: Duration = .milliseconds(50), persistent: Bool = true
    ) -> PortMappingService {
        var configuration = PortMappingService.Configuration()
        configuration.mappers = mappers
        configuration.checkInterval = check
        configuration.isPersistent = persistent
        return PortMappingService(configuration)
    }

    let ports = [PortRequest(.tcp, 4000), PortRequest(.udp, 4001)]

    @Test func mapsTellsAndRemoves() async {
        let router = ScriptedMapper()
        let service = Self.service([router])
        var events: [MappingEvent] = []
        for await event in await service.start(ports) {
            events.append(event)
            if events.count == 3 {
                #expect(router.mappings.count == 2)
                Task { await service.stop() }
            }
        }
        #expect(router.mappings.isEmpty)
        guard events.count == 5, case .gateway(let info) = events[0], case .mapped(let first) = events[1],
            case .mapped = events[2], case .released = events[3], case .released = events[4]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(info.mapper == "scripted")
        #expect(first.externalEnd.port == 4000)
    }

    @Test func theFastestMapperWinsAndTheOthersAreNotAsked() async {
        let fast = ScriptedMapper("fast", .init(findDelay: .milliseconds(20)))
        let slow = ScriptedMapper("slow", .init(findDelay: .seconds(30)))
        let service = Self.service([slow, fast])
        let start = ContinuousClock.now
        for await event in await service.start(ports) {
            if case .mapped(let mapping) = event {
                #expect(mapping.mapper == "fast")
                Task { await service.stop() }
            }
        }
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(slow.requests == 0)
    }

    @Test func aMapperThatRefusesLeavesTheNextItsTurn() async {
        let no = ScriptedMapper("no", .init(refuses: true))
        let yes = ScriptedMapper("yes", .init(findDelay: .milliseconds(50)))
        let service = Self.service([no, yes])
        for await event in await service.start(ports) {
            if case .failed = event { Issue.record("\(event)") }
            if case .mapped(let mapping) = event {
                #expect(mapping.mapper == "yes")
                Task { await service.stop() }
            }
        }
    }

    @Test func whereNobodyMapsTheReasonsAreToldAndAnImpatientServiceEnds() async {
        let service = Self.service(
            [ScriptedMapper("no", .init(refuses: true)), ScriptedMapper("none", .init(finds: false))],
            persistent: false)
        var events: [MappingEvent] = []
        for await event in await service.start(ports) { events.append(event) }
        guard events.count == 1, case .failed(nil, .all(let errors)) = events[0] else {
            Issue.record("\(events)")
            return
        }
        #expect(errors.count == 3)
        #expect(NATError.all(errors).isRefusal)
    }

    @Test func aForgottenMappingARestartAndANewAddressAreNoticed() async {
        let router = ScriptedMapper()
        let service = Self.service([router])
        var steps: [String] = []
        for await event in await service.start([ports[0]]) {
            switch event {
            case .mapped where steps.isEmpty:
                router.table.withLock { $0 = [] }
                steps.append("mapped")
            case .lost(_, .missing): steps.append("lost")
            case .mapped:
                steps.append("mapped again")
                router.behaviour.withLock { $0.epoch = 1 }
            case .changed(_, _, .restart):
                steps.append("restart")
                router.behaviour.withLock { $0.external = .v4(0x2c80_000c) }
            case .changed(let mapping, _, .address):
                #expect(mapping.externalEnd.address == .v4(0x2c80_000c))
                steps.append("address")
                Task { await service.stop() }
            default: break
            }
        }
        #expect(steps == ["mapped", "lost", "mapped again", "restart", "address"])
    }

    @Test func aGatewayThatGoesAndComesBackIsFoundAgain() async {
        let router = ScriptedMapper("scripted", .init(lease: .seconds(3)))
        let service = Self.service([router], check: .milliseconds(100))
        var steps: [String] = []
        for await event in await service.start([ports[0]]) {
            switch event {
            case .mapped where steps.isEmpty:
                steps.append("mapped")
                router.behaviour.withLock { $0.finds = false }
            case .lost(_, .expired):
                steps.append("lost")
                router.behaviour.withLock { $0.finds = true }
            case .mapped:
                steps.append("mapped again")
                Task { await service.stop() }
            default: break
            }
        }
        #expect(steps == ["mapped", "lost", "mapped again"])
    }

    @Test func stopEndsWithinTwoSecondsWhateverHangs() async {
        for behaviour in [
            ScriptedMapper.Behaviour(findDelay: .seconds(30)), .init(mapDelay: .seconds(30)),
            .init(hangsOnUnmap: true), .init(mapDelay: .seconds(30), hangsOnUnmap: true),
        ] {
            let router = ScriptedMapper("scripted", behaviour)
            let service = Self.service([router])
            let events = await service.start(ports)
            try? await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            await service.stop()
            #expect(start.duration(to: .now) < .seconds(2))
            for await _ in events {}
            if !behaviour.hangsOnUnmap { #expect(router.mappings.isEmpty) }
        }
    }

    @Test func aServiceStoppedBeforeItsStartEnds() async {
        let service = Self.service([ScriptedMapper()])
        await service.stop()
        for await event in await service.start(ports) { Issue.record("\(event)") }
    }
}

@Suite("Threads for blocking calls")
struct OwnThreadTests {
    @Test func hungWorkIsAbandonedInTime() async {
        let start = ContinuousClock.now
        let error = await #expect(throws: NATError.self) {
            try await onOwnThread(limit: .milliseconds(100)) { _ throws(NATError) in
                sleep(5)
                return 1
            }
        }
        #expect(error == .deadline)
        #expect(start.duration(to: .now) < .seconds(3))
    }

    @Test func goodWorkAnswersAtOnce() async throws {
        #expect(try await onOwnThread(limit: .seconds(5)) { _ throws(NATError) in 42 } == 42)
    }
}
