/// A message that cannot be registered, sent or decoded by its type.
public enum RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An opcode below 1000: carrier's own.
    case reserved(Opcode)
    /// Two messages for one opcode.
    case opcodeTaken(Opcode, by: String, wantedFor: String)
    /// Two opcodes for one type.
    case typeTaken(String, by: Opcode, wantedFor: Opcode)
    /// A type without an opcode.
    case unregisteredType(String)
    /// An opcode without a message.
    case unregisteredOpcode(Opcode)
    /// An opcode that is registered by name and codec, without a type to decode.
    case untyped(Opcode, name: String)
    /// A frame of another message than asked for.
    case otherMessage(Opcode, expected: Opcode)
    /// A frame whose body is encoded otherwise than its message says.
    case otherCodec(Opcode, expected: Codec, got: Codec)

    public var description: String {
        switch self {
        case .reserved(let opcode):
            "expected an opcode from \(Opcode.firstOfApplication.rawValue) up, got \(opcode.rawValue); choose another one"
        case .opcodeTaken(let opcode, let first, let second):
            "expected one message for opcode \(opcode.rawValue), got \(first) and \(second); choose another opcode"
        case .typeTaken(let name, let first, let second):
            "expected one opcode for \(name), got \(first.rawValue) and \(second.rawValue); register it once"
        case .unregisteredType(let name):
            "expected a registered message, got \(name); register it before the node starts"
        case .unregisteredOpcode(let opcode):
            "expected a registered opcode, got \(opcode.rawValue); register its message before the node starts"
        case .untyped(let opcode, let name):
            "expected a message with a type, got opcode \(opcode.rawValue) (\(name)), which has none; read its body as bytes"
        case .otherMessage(let opcode, let expected):
            "expected a frame of opcode \(expected.rawValue), got \(opcode.rawValue); decode it by its own message"
        case .otherCodec(let opcode, let expected, let got):
            "opcode \(opcode.rawValue): expected codec \(expected), got \(got); both sides must agree on the message"
        }
    }
}
