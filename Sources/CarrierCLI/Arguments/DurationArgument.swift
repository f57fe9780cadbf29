/// A duration on the command line: `500ms`, `5s`, `1h30m`.
struct DurationArgument: Sendable, Hashable, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ]

    /// Reads a number and a unit, or several of them; fractions are fine (`1.5s`). For `transform:`.
    ///
    /// - Throws: `ArgumentProblem` that says what to write instead.
    static func parse(_ text: String) throws(ArgumentProblem) -> DurationArgument {
        if !text.isEmpty, text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
            throw text == "0"
                ? ArgumentProblem("a duration needs a unit: 0s")
                : ArgumentProblem("a duration needs a unit: \(text)s, \(text)ms or \(text)m")
        }
        var rest = text[...]
        var total: Duration = .zero
        var smallest = Int64.max
        repeat {
            let number = rest.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard
                let value = Double(number), value.isFinite, value >= 0,
                let unit = units.first(where: { $0.name == name }), unit.nanoseconds < smallest
            else { throw ArgumentProblem("expected a duration like 500ms, 5s or 1h30m") }
            let nanoseconds = value * Double(unit.nanoseconds)
            // A century is long enough, and far from any overflow.
            guard nanoseconds <= 3.2e18 else { throw ArgumentProblem("expected a duration of at most 100 years") }
            smallest = unit.nanoseconds
            total += .nanoseconds(Int64(nanoseconds.rounded()))
        } while !rest.isEmpty
        return DurationArgument(total)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// As one would write it: `1h30m`, `5s`, `500ms`.
    var description: String {
        let (seconds, attoseconds) = duration.components
        var rest = seconds
        var text = ""
        for (name, length) in [("d", Int64(86400)), ("h", 3600), ("m", 60), ("s", 1)] where rest >= length {
            text += "\(rest / length)\(name)"
            rest %= length
        }
        let nanoseconds = attoseconds / 1_000_000_000
        for (name, length) in [("ms", Int64(1_000_000)), ("us", 1000), ("ns", 1)]
        where nanoseconds != 0 && nanoseconds % length == 0 {
            return text + "\(nanoseconds / length)\(name)"
        }
        return text.isEmpty ? "0s" : text
    }
}

/// Why an argument cannot be taken; the parser puts the argument before it.
struct ArgumentProblem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
