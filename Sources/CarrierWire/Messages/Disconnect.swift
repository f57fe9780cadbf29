/// Why a session ends: the last message of each session (opcode 14).
public struct Disconnect: BuiltInMessage, Hashable {
    /// The reasons of carrier-wire(7) §5; a number that is not among them is kept as it came.
    public struct Reason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The node goes away.
        public static let shutdown = Reason(rawValue: 0)
        /// Something was sent that the protocol does not allow.
        public static let protocolError = Reason(rawValue: 1)
        /// A message that the node does not take.
        public static let unregisteredOpcode = Reason(rawValue: 2)
        /// A message over the limit.
        public static let messageTooLarge = Reason(rawValue: 3)
        /// Nothing came for too long.
        public static let idleTimeout = Reason(rawValue: 4)
        /// There is another connection between the two.
        public static let duplicateConnection = Reason(rawValue: 5)
        /// The node is full.
        public static let tooManyConnections = Reason(rawValue: 6)
        /// The peer belongs to another network.
        public static let networkMismatch = Reason(rawValue: 7)
        /// The peer's id does not solve the puzzles that are asked for.
        public static let puzzleNotSolved = Reason(rawValue: 8)
        /// A message did not come whole in time.
        public static let receiveTimeout = Reason(rawValue: 9)
        /// The peer does not read.
        public static let sendBufferFull = Reason(rawValue: 10)
        /// The application, or the user, has ended it.
        public static let applicationClosed = Reason(rawValue: 11)

        private static let names = [
            "shutdown", "protocolError", "unregisteredOpcode", "messageTooLarge", "idleTimeout", "duplicateConnection",
            "tooManyConnections", "networkMismatch", "puzzleNotSolved", "receiveTimeout", "sendBufferFull",
            "applicationClosed",
        ]

        public var description: String {
            Int(rawValue) < Self.names.count ? Self.names[Int(rawValue)] : "reason \(rawValue)"
        }
    }

    public static let opcode = Opcode.disconnect

    /// Why.
    public var reason: Reason
    /// For people; may be empty.
    public var text: String

    /// A good-bye, with words for who reads them.
    public init(_ reason: Reason, _ text: String = "") {
        self.reason = reason
        self.text = text
    }

    public init(from reader: inout Reader) throws(WireError) {
        reason = Reason(rawValue: try reader.u16("reason"))
        text = try reader.string("text")
    }

    public func write(to writer: inout Writer) {
        writer.u16(reason.rawValue)
        writer.string(text)
    }
}
