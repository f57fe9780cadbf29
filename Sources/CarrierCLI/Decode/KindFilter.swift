import CarrierCapture
import CarrierWire

/// Which records `--only` lets through.
struct KindFilter: Sendable {
    private static let layers: Set<String> = ["preface", "handshake", "record", "session"]
    private static let others: Set<String> = [
        "gap", "application", "unregistered", "handshake-1", "handshake-2", "handshake-3", "retry",
    ]

    private var names: Set<String> = []
    private var opcodes: Set<UInt32> = []

    /// Reads names with commas between. For `transform:`.
    static func parse(_ text: String) throws(ArgumentProblem) -> KindFilter {
        var filter = KindFilter()
        for word in text.split(separator: ",", omittingEmptySubsequences: true).map(String.init) {
            if let opcode = UInt32(word) {
                filter.opcodes.insert(opcode)
            } else if layers.contains(word) || others.contains(word) || messageNames.contains(word) {
                filter.names.insert(word)
            } else {
                let names = known.joined(separator: " ")
                throw ArgumentProblem("\"\(word)\" names nothing; expected an opcode or one of: \(names)")
            }
        }
        guard !filter.names.isEmpty || !filter.opcodes.isEmpty else { throw ArgumentProblem("expected a name") }
        return filter
    }

    private static let messageNames = Set((0..<1000).compactMap { Opcode(UInt32($0)).builtInName })

    /// All names, in alphabetical order.
    static var known: [String] { layers.union(others).union(messageNames).sorted() }

    /// Whether a record is shown.
    func contains(_ record: CaptureRecord) -> Bool {
        switch record.content {
        case .container: false
        case .gap: names.contains("gap")
        case .unit(let unit):
            names.contains(unit.kind) || names.contains(unit.layer.rawValue)
                || unit.header.map { opcodes.contains($0.opcode.rawValue) } ?? false
        }
    }
}
