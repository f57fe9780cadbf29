/// A count of bytes on the command line: `512`, `64KiB`, `1MB`.
struct SizeArgument: Sendable, Hashable, CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    private static let units: [(name: String, bytes: Int)] = [
        ("", 1), ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Reads a whole number with or without a unit. For `transform:`.
    ///
    /// - Throws: `ArgumentProblem` that says what to write instead.
    static func parse(_ text: String) throws(ArgumentProblem) -> SizeArgument {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        let name = text.dropFirst(digits.count)
        guard let number = Int(digits), let unit = units.first(where: { $0.name == name }) else {
            throw ArgumentProblem("expected a size like 512, 64KiB or 1MB")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { throw ArgumentProblem("expected a size below 8 EiB") }
        return SizeArgument(bytes)
    }

    var description: String {
        for (name, unit) in Self.units.reversed() where name.hasSuffix("iB") && bytes >= unit && bytes % unit == 0 {
            return "\(bytes / unit)\(name)"
        }
        return "\(bytes)"
    }
}
