import CarrierCrypto
import CarrierProtocols
import CarrierWire
import Testing

@Suite("Components, as a node starts")
struct ComponentHostTests {
    private struct Claimant: Component {
        let name: String
        let opcodes: [Opcode]
    }

    private func host(_ components: [any Component]) throws -> ComponentHost {
        let record = try PeerRecord(
            signedBy: Identity(key: .generate(), puzzleNonce: .zero), sequence: 1, addresses: [])
        return try ComponentHost(
            components,
            context: Context(
                now: Instant(nanoseconds: 0), unixMicroseconds: 0, random: SystemRandom(), own: record))
    }

    @Test("row 21: one of carrier's opcodes that is claimed twice is refused, with both names")
    func claimedTwice() throws {
        let (one, two) = (Claimant(name: "one", opcodes: [.ping]), Claimant(name: "two", opcodes: [.ping]))
        #expect {
            try host([one, two])
        } throws: { error in
            guard case ComponentError.claimedTwice(.ping, "one", "two") = error else { return false }
            return "\(error)".contains("one") && "\(error)".contains("two")
        }
        // Application opcodes may have several listeners.
        let opcode = Opcode(rawValue: 1000)
        _ = try host([Claimant(name: "one", opcodes: [opcode]), Claimant(name: "two", opcodes: [opcode])])
    }
}
