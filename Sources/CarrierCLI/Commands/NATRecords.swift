import CarrierNAT
import CarrierWire

/// A gateway that was found.
struct GatewayRecord: Record {
    static var type: StaticString { "gateway" }
    let info: GatewayInfo
    /// Whether the gateway is what was asked for, so that people see it.
    var isResult = true

    func encode(into line: inout JSONLine) {
        line.add("address", "\(info.address)")
        line.add("protocol", info.mapper)
        line.add("external_ip", orNull: info.externalAddress.map { "\($0)" })
        line.add("external_is_public", info.externalIsPublic)
    }

    func text(_ style: Style) -> String? {
        isResult ? "\(info.address) \(info.mapper) \(info.externalAddress.map { "\($0)" } ?? "-")" : nil
    }
}

/// A port is mapped.
struct MappedRecord: Record {
    static var type: StaticString { "mapped" }
    let mapping: PortMapping

    func encode(into line: inout JSONLine) { line.add(mapping) }
    func text(_ style: Style) -> String? { "\(mapping.externalEnd)" }
}

/// A mapping became another one.
struct ChangedRecord: Record {
    static var type: StaticString { "changed" }
    let mapping: PortMapping
    let old: PortMapping
    let why: MappingChange

    func encode(into line: inout JSONLine) {
        line.add(mapping)
        line.add("reason", why.rawValue)
    }

    func text(_ style: Style) -> String? { mapping.externalEnd == old.externalEnd ? nil : "\(mapping.externalEnd)" }
}

/// A mapping is gone against our will.
struct LostRecord: Record {
    static var type: StaticString { "lost" }
    let mapping: PortMapping
    let why: MappingLoss

    func encode(into line: inout JSONLine) {
        line.add(mapping)
        line.add("reason", why.rawValue)
    }

    func text(_ style: Style) -> String? { nil }
}

/// A mapping was removed.
struct ReleasedRecord: Record {
    static var type: StaticString { "released" }
    let mapping: PortMapping

    func encode(into line: inout JSONLine) { line.add(mapping) }
    func text(_ style: Style) -> String? { nil }
}

/// A line of the router's table.
struct ListedRecord: Record {
    static var type: StaticString { "mapping" }
    let listed: ListedMapping

    func encode(into line: inout JSONLine) {
        line.add(listed.mapping)
        line.add("description", listed.note)
    }

    func text(_ style: Style) -> String? {
        let mapping = listed.mapping
        let lease = mapping.lease.map { "\(DurationArgument($0))" } ?? "permanent"
        return "\(mapping.externalEnd) \(mapping.internalEnd) \(mapping.transport) \(lease) \(escaped(listed.note))"
    }
}

extension JSONLine {
    fileprivate mutating func add(_ mapping: PortMapping) {
        add("protocol", mapping.mapper)
        add("transport", mapping.transport.rawValue)
        add("internal", "\(mapping.internalEnd)")
        add("external", "\(mapping.externalEnd)")
        // Null for a mapping that stays until it is removed.
        if let lease = mapping.lease { add("lease_s", lease.components.seconds) } else { addNull("lease_s") }
    }

    fileprivate mutating func add(_ key: StaticString, orNull value: String?) {
        if let value { add(key, value) } else { addNull(key) }
    }
}
