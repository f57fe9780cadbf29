/// Which opcode means which message, as an application has registered them.
///
/// Carrier's own messages need no registration and cannot have one: their opcodes lie below 1000.
public struct MessageRegistry: Sendable {
    /// What is known of an opcode.
    public struct Entry: Sendable {
        /// Its number on the wire.
        public let opcode: Opcode
        /// For people; by default the type's name.
        public let name: String
        /// How its body is encoded.
        public let codec: Codec
        /// The Swift type; nil where only name and codec are known.
        public let type: (any Message.Type)?

        @usableFromInline
        init(opcode: Opcode, name: String, codec: Codec, type: (any Message.Type)?) {
            self.opcode = opcode
            self.name = name
            self.codec = codec
            self.type = type
        }
    }

    // Carrier's own messages are in both from the start, so that each look-up is one.
    @usableFromInline var byOpcode = Self.builtIn
    @usableFromInline var byType = Self.builtInTypes

    /// No message but carrier's own.
    public init() {}

    /// All that is registered, by rising opcode, without carrier's own messages.
    public var entries: [Entry] {
        byOpcode.values.filter(\.opcode.isApplication).sorted { $0.opcode.rawValue < $1.opcode.rawValue }
    }

    /// What is registered for an opcode; carrier's own messages included.
    public func entry(for opcode: Opcode) -> Entry? { byOpcode[opcode] }

    /// Registers a message type.
    ///
    /// - Throws: `reserved`, `opcodeTaken` or `typeTaken`; the registry is then as it was.
    public mutating func register<M: Message>(
        _ type: M.Type, opcode: Opcode, name: String? = nil
    ) throws(RegistryError) {
        let name = name ?? "\(type)"
        if let taken = byType[ObjectIdentifier(type)] { throw .typeTaken(name, by: taken, wantedFor: opcode) }
        try insert(Entry(opcode: opcode, name: name, codec: type.codec, type: type))
        byType[ObjectIdentifier(type)] = opcode
    }

    /// Registers an opcode by name and codec alone, for programs that have no type for it.
    ///
    /// - Throws: `reserved` or `opcodeTaken`.
    public mutating func register(opcode: Opcode, name: String, codec: Codec) throws(RegistryError) {
        try insert(Entry(opcode: opcode, name: name, codec: codec, type: nil))
    }

    private mutating func insert(_ entry: Entry) throws(RegistryError) {
        guard entry.opcode.isApplication else { throw .reserved(entry.opcode) }
        if let taken = byOpcode[entry.opcode] {
            throw .opcodeTaken(entry.opcode, by: taken.name, wantedFor: entry.name)
        }
        byOpcode[entry.opcode] = entry
    }

    /// The opcode of a message type, registered or carrier's own.
    ///
    /// - Throws: `unregisteredType`.
    @inlinable
    public func opcode<M: Message>(of type: M.Type) throws(RegistryError) -> Opcode {
        guard let opcode = byType[ObjectIdentifier(type)] else { throw .unregisteredType("\(type)") }
        return opcode
    }

    /// The frame that carries a message.
    ///
    /// - Throws: `RegistryError.unregisteredType`, or what encoding throws.
    @inlinable
    public func frame<M: Message>(for message: M, flags: Frame.Flags = [], nonce: UInt32 = 0) throws -> Frame {
        let opcode = try opcode(of: M.self)
        return Frame(opcode, flags: flags, codec: M.codec, nonce: nonce, body: try message.body())
    }

    /// The message in a frame, whatever its type.
    ///
    /// - Throws: `RegistryError`, or what decoding throws.
    public func decode(_ frame: Frame) throws -> any Message {
        guard let entry = entry(for: frame.opcode) else { throw RegistryError.unregisteredOpcode(frame.opcode) }
        guard let type = entry.type else { throw RegistryError.untyped(frame.opcode, name: entry.name) }
        return try decode(frame, type: type)
    }

    /// The message in a frame, of a type that is known: no box, no look-up but that of the opcode.
    ///
    /// - Throws: `RegistryError`, or what decoding throws.
    @inlinable
    public func decode<M: Message>(_ frame: Frame, as type: M.Type) throws -> M {
        let opcode = try opcode(of: type)
        guard frame.opcode == opcode else { throw RegistryError.otherMessage(frame.opcode, expected: opcode) }
        return try decode(frame, type: type)
    }

    @inlinable
    func decode<M: Message>(_ frame: Frame, type: M.Type) throws -> M {
        guard frame.codec == M.codec else {
            throw RegistryError.otherCodec(frame.opcode, expected: M.codec, got: frame.codec)
        }
        return try M(body: frame.body)
    }

    private static let builtInMessages: [any BuiltInMessage.Type] = [
        Keepalive.self, KeepaliveResponse.self, ProxyResponse.self, Ping.self, Pong.self, LookupNodeRequest.self,
        LookupNodeResponse.self, Disconnect.self, ProxyRequest.self, MetricRequest.self, MetricResponse.self,
        AckResponse.self, Broadcast.self, BroadcastReport.self, ReachabilityRequest.self, ReachabilityResponse.self,
        BroadcastDigest.self, BroadcastWant.self,
    ]

    private static let builtIn = Dictionary(
        uniqueKeysWithValues: builtInMessages.map { type in
            (type.opcode, Entry(opcode: type.opcode, name: "\(type.opcode)", codec: type.codec, type: type))
        })

    private static let builtInTypes = Dictionary(
        uniqueKeysWithValues: builtInMessages.map { (ObjectIdentifier($0), $0.opcode) })
}
