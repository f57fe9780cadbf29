import CarrierNAT
import CarrierWire

/// What people should know of a gateway or a mapping.
enum NATWarning {
    /// Another NAT stands above the gateway.
    static func secondNAT(_ info: GatewayInfo) -> String? {
        if info.externalIsPublic { return nil }
        let address = info.externalAddress.map { "has the private address \($0)" } ?? "has no external address"
        return "gateway \(info.address) \(address): another NAT stands above it, so the internet does not reach it"
    }

    /// A mapping that the router still has.
    static func notReleased(_ mapping: PortMapping, _ error: NATError) -> Failure {
        let until = mapping.lease.map { "; it ends within \(DurationArgument($0))" } ?? "; remove it in the router"
        return Failure(
            error.exitCode, target: "\(mapping.externalEnd)/\(mapping.transport)", "not removed: \(error)\(until)")
    }

    /// Where a mapping is not what was asked for.
    static func of(_ mapping: PortMapping, _ request: PortRequest, once: Bool) -> [String] {
        var warnings: [String] = []
        if mapping.externalEnd.port != request.externalPort {
            warnings.append(
                "the router granted external port \(mapping.externalEnd.port), not \(request.externalPort)")
        }
        if let lease = mapping.lease {
            if lease < request.lease {
                warnings.append("the router granted a lease of \(DurationArgument(lease)) only")
            }
        } else {
            let removal =
                once
                ? "remove it with carrier nat-map --release \(request.internalPort):\(mapping.externalEnd.port)/\(request.transport)"
                : "it is removed at the end"
            warnings.append("the router makes permanent mappings only (725 OnlyPermanentLeasesSupported); \(removal)")
        }
        return warnings
    }
}
