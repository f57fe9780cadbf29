import CarrierWire

/// An application opcode on the command line: a number from 1000 up, or 0x and hex digits.
struct OpcodeArgument: Sendable, Hashable, CustomStringConvertible {
    let opcode: UInt32

    init(_ opcode: UInt32) { self.opcode = opcode }

    /// The first opcode that is free for applications.
    static let first: UInt32 = 1000

    /// Reads an opcode. For `transform:`.
    ///
    /// - Throws: `ArgumentProblem` that says what to write instead.
    static func parse(_ text: String) throws(ArgumentProblem) -> OpcodeArgument {
        let value = text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
        guard let value else { throw ArgumentProblem("expected an opcode, a number like 1000") }
        guard value >= first else {
            throw ArgumentProblem("opcodes below \(first) belong to carrier; take one from \(first) up")
        }
        return OpcodeArgument(value)
    }

    var description: String { "\(opcode)" }
}
