import Carrier

/// A message that `listen` knows: `N[=NAME[:CODEC]]`.
struct MessageArgument: Sendable, Hashable, CustomStringConvertible {
    let opcode: Opcode
    let name: String
    let codec: Codec

    /// For `transform:`.
    static func parse(_ text: String) throws(ArgumentProblem) -> MessageArgument {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let opcode = try OpcodeArgument.parse(String(parts[0])).opcode
        guard parts.count == 2 else {
            return MessageArgument(opcode: Opcode(opcode), name: "message-\(opcode)", codec: .bytes)
        }
        let named = parts[1].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = named.first, !name.isEmpty else {
            throw ArgumentProblem("expected a name after =, like 1000=chat:msgpack")
        }
        let codec = named.count == 2 ? try CodecArgument.parse(String(named[1])) : .bytes
        return MessageArgument(opcode: Opcode(opcode), name: String(name), codec: codec)
    }

    var description: String { "\(opcode.rawValue)=\(name):\(codec)" }
}
