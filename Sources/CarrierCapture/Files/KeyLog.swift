public import CarrierCrypto

/// The keys of one session, as a node may log them for debugging (carrier-wire(7) §8).
public struct SessionKeys: Sendable {
    /// The first 32 bytes of handshake message 1: what a capture is matched by.
    public let ephemeral: Bytes32
    public let initiatorToResponder: SecretBytes
    public let responderToInitiator: SecretBytes

    public init(ephemeral: Bytes32, initiatorToResponder: SecretBytes, responderToInitiator: SecretBytes) {
        self.ephemeral = ephemeral
        self.initiatorToResponder = initiatorToResponder
        self.responderToInitiator = responderToInitiator
    }

    private static let label = "CARRIER1"

    /// Reads a line without its end; nil for lines of any other kind.
    public init?(line: some StringProtocol) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        guard
            words.count == 4, words[0] == Self.label, let ephemeral = Bytes32(hex: words[1]),
            let first = Bytes32(hex: words[2]), let second = Bytes32(hex: words[3])
        else { return nil }
        self.init(
            ephemeral: ephemeral, initiatorToResponder: SecretBytes(first.array),
            responderToInitiator: SecretBytes(second.array))
    }
}

/// The sessions of a key log.
public struct KeyLog: Sendable {
    private var sessions: [Bytes32: SessionKeys] = [:]

    public init() {}

    /// How many sessions there are.
    public var count: Int { sessions.count }

    /// Adds the sessions of `text`; lines of other kinds are passed over, as a key log may hold TLS secrets too.
    ///
    /// - Returns: the 1-based numbers of lines that begin as carrier's and are not whole.
    @discardableResult
    public mutating func add(_ text: some StringProtocol) -> [Int] {
        var malformed: [Int] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            if let keys = SessionKeys(line: line) {
                sessions[keys.ephemeral] = keys
            } else if line.hasPrefix("CARRIER") {
                malformed.append(index + 1)
            }
        }
        return malformed
    }

    public mutating func add(_ keys: SessionKeys) { sessions[keys.ephemeral] = keys }

    /// The keys of the session that this ephemeral key began.
    public subscript(ephemeral: Bytes32) -> SessionKeys? { sessions[ephemeral] }
}
