import ArgumentParser
import CarrierNAT
import CarrierWire

/// How a listening node gets to be reachable.
struct ReachOptions: ParsableArguments, Sendable {
    @Option(name: .long, help: "Have the router map the ports that the node listens on.")
    var nat = NATChoice.off

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Ask this relay for a door where it cannot reach the node itself. May be repeated.", valueName: "address"),
        completion: KnownPeers.addresses, transform: AddressArgument.parse)
    var relay: [Address] = []

    @Flag(name: .long, help: "Hold doors open for nodes that nobody can dial.")
    var relayForOthers = false
}

/// How to ask a router for ports.
enum NATChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case auto, upnp, natpmp, off

    /// The mappers to ask, side by side.
    ///
    /// - Parameter gateway: the router to ask; nil for the default route's.
    func mappers(gateway: IPAddress? = nil) -> [any PortMapper] {
        switch self {
        case .auto: [NATPMPMapper(gateway: gateway), UPnPMapper(gateway: gateway)]
        case .upnp: [UPnPMapper(gateway: gateway)]
        case .natpmp: [NATPMPMapper(gateway: gateway)]
        case .off: []
        }
    }
}
