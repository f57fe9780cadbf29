import CarrierNAT

/// A port to map on the command line: `4000`, `4000/udp`, `4000:8000/tcp`.
struct PortArgument: Sendable, Hashable, CustomStringConvertible {
    let transport: PortTransport
    let internalPort: UInt16
    let externalPort: UInt16

    /// Reads `PORT[:EXTERNAL][/tcp|/udp]`; TCP unless it says otherwise. For `transform:`.
    ///
    /// - Throws: `ArgumentProblem` that says what to write instead.
    static func parse(_ text: String) throws(ArgumentProblem) -> PortArgument {
        let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var transport = PortTransport.tcp
        if halves.count == 2 {
            guard let named = PortTransport(rawValue: halves[1].lowercased()) else {
                throw ArgumentProblem("expected /tcp or /udp after the port")
            }
            transport = named
        }
        let numbers = halves[0].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count <= 2, let first = numbers.first, let last = numbers.last else {
            throw ArgumentProblem("expected PORT[:EXTERNAL][/tcp|/udp], like 4000/tcp or 4000:8000/udp")
        }
        return PortArgument(transport: transport, internalPort: try port(first), externalPort: try port(last))
    }

    private static func port(_ text: Substring) throws(ArgumentProblem) -> UInt16 {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(text), port > 0 else {
            throw ArgumentProblem("expected a port from 1 to 65535, like 4000/tcp")
        }
        return port
    }

    var description: String {
        "\(internalPort)\(externalPort == internalPort ? "" : ":\(externalPort)")/\(transport)"
    }
}
