/// A NAT-PMP request, and which datagram answers it (RFC 6886 §3).
enum NATPMPQuestion: Equatable {
    case publicAddress
    /// A lifetime of 0 removes the mapping.
    case mapping(PortTransport, internalPort: UInt16, externalPort: UInt16, lifetime: UInt32)

    /// What to make of a datagram.
    enum Verdict: Equatable {
        /// The answer, or the gateway's error code.
        case answer
        /// Not an answer to this question: wait on.
        case stray(String)
        /// The answer, and it cannot be.
        case nonsense(expected: String, got: String)
    }

    private var opcode: UInt8 {
        switch self {
        case .publicAddress: 128
        case .mapping(.udp, _, _, _): 129
        case .mapping(.tcp, _, _, _): 130
        }
    }

    /// Judges a datagram before the library, which checks neither its length nor what it answers, reads it.
    func judge(_ datagram: [UInt8]) -> Verdict {
        func u16(_ offset: Int) -> UInt16 { UInt16(datagram[offset]) << 8 | UInt16(datagram[offset + 1]) }
        guard datagram.count >= 8 else { return .stray("\(datagram.count) bytes") }
        // Another version is how a gateway says that it does not speak this one: the library knows.
        guard datagram[0] == 0 else { return .answer }
        guard datagram[1] == opcode else { return .stray("an answer of type \(datagram[1]), not \(opcode)") }
        guard u16(2) == 0 else { return .answer }
        switch self {
        case .publicAddress:
            return datagram.count >= 12 ? .answer : .stray("\(datagram.count) bytes, not 12")
        case .mapping(_, let internalPort, _, let lifetime):
            guard datagram.count >= 16 else { return .stray("\(datagram.count) bytes, not 16") }
            guard u16(8) == internalPort else { return .stray("an answer for port \(u16(8)), not \(internalPort)") }
            let granted = UInt32(u16(12)) << 16 | UInt32(u16(14))
            if lifetime == 0 {
                return granted == 0 ? .answer : .nonsense(expected: "lifetime 0", got: "lifetime \(granted)")
            }
            if u16(10) == 0 { return .nonsense(expected: "an external port", got: "port 0") }
            if granted == 0 { return .nonsense(expected: "a lifetime", got: "lifetime 0") }
            return .answer
        }
    }
}

/// What a NAT-PMP gateway answered.
enum NATPMPAnswer: Equatable {
    /// In network byte order read: 0 is no address.
    case publicAddress(UInt32)
    case mapping(externalPort: UInt16, lifetime: UInt32)
}
