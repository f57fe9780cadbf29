import CarrierWire
import Synchronization

@testable import CarrierNAT

/// A mapper as an application brings one: a router in memory that does what a test says.
final class ScriptedMapper: PortMapper, PortGateway {
    struct Behaviour: Sendable {
        var finds = true
        var findDelay: Duration = .zero
        var mapDelay: Duration = .zero
        var refuses = false
        var hangsOnUnmap = false
        var lease: Duration? = .seconds(3600)
        var external = IPAddress.v4(0x2c80_000b)
        var epoch: UInt32? = 1000
    }

    let name: String
    let behaviour: Mutex<Behaviour>
    let table = Mutex<[PortMapping]>([])
    let maps = Mutex(0)

    init(_ name: String = "scripted", _ behaviour: Behaviour = Behaviour()) {
        self.name = name
        self.behaviour = Mutex(behaviour)
    }

    var mappings: [PortMapping] { table.withLock { $0 } }
    var requests: Int { maps.withLock { $0 } }
    private var now: Behaviour { behaviour.withLock { $0 } }
    private static let address = IPAddress.v4(0xc0a8_0101)

    var info: GatewayInfo {
        GatewayInfo(
            mapper: name, address: Self.address, localAddress: .v4(0xc0a8_0114), externalAddress: now.external)
    }

    private func pause(_ duration: Duration) async throws(NATError) {
        do { try await Task.sleep(for: duration) } catch { throw .cancelled }
    }

    func find() async throws(NATError) -> any PortGateway {
        try await pause(now.findDelay)
        guard now.finds else { throw .noGateway(mapper: name) }
        return self
    }

    func map(_ request: PortRequest) async throws(NATError) -> PortMapping {
        maps.withLock { $0 += 1 }
        try await pause(now.mapDelay)
        guard now.finds else { throw .silent(Self.address, mapper: name) }
        if now.refuses { throw .refused(Self.address, code: 606, name: "No", request: request) }
        let mapping = PortMapping(
            mapper: name, transport: request.transport, internalEnd: .init(.v4(0xc0a8_0114), request.internalPort),
            externalEnd: .init(now.external, request.externalPort), lease: now.lease)
        table.withLock { table in
            table.removeAll { $0.externalEnd.port == mapping.externalEnd.port && $0.transport == mapping.transport }
            table.append(mapping)
        }
        return mapping
    }

    func unmap(_ mapping: PortMapping) async throws(NATError) {
        if now.hangsOnUnmap {
            try await pause(.milliseconds(1200))
            throw .silent(Self.address, mapper: name)
        }
        table.withLock { table in
            table.removeAll { $0.externalEnd.port == mapping.externalEnd.port && $0.transport == mapping.transport }
        }
    }

    func check(_ mappings: [PortMapping]) async throws(NATError) -> GatewayCheck {
        guard now.finds else { throw .silent(Self.address, mapper: name) }
        let table = table.withLock { $0 }
        return GatewayCheck(
            externalAddress: now.external, epoch: now.epoch,
            missing: mappings.filter { mapping in !table.contains { $0.externalEnd.port == mapping.externalEnd.port } })
    }

    func list() async throws(NATError) -> [ListedMapping] { throw .cannotList(mapper: name) }
}
