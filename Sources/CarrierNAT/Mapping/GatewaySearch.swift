/// Looks for gateways with several mappers side by side.
public struct GatewaySearch: Sendable {
    /// Whom to ask, side by side.
    public let mappers: [any PortMapper]

    /// - Parameter mappers: by default NAT-PMP and UPnP on the default gateway.
    public init(_ mappers: [any PortMapper] = [NATPMPMapper(), UPnPMapper()]) {
        self.mappers = mappers
    }

    /// Hands over what each mapper found, the fastest first.
    ///
    /// - Parameter body: returns whether to wait for the next; after false the other searches are cancelled.
    public func run(_ body: (Result<any PortGateway, NATError>) async -> Bool) async {
        await withTaskGroup(of: Result<any PortGateway, NATError>.self) { group in
            for mapper in mappers {
                group.addTask {
                    do throws(NATError) {
                        return .success(try await mapper.find())
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for await found in group where await !body(found) { group.cancelAll(); return }
        }
    }

    /// The first gateway found. Throws `NATError.all` when none is.
    public func first() async throws(NATError) -> any PortGateway {
        var gateway: (any PortGateway)?
        var errors: [NATError] = []
        await run { found in
            switch found {
            case .success(let found): gateway = found
            case .failure(let error): errors.append(error)
            }
            return gateway == nil
        }
        if let gateway { return gateway }
        throw .all(errors)
    }
}
