/// A small generator that gives the same numbers for the same seed (SplitMix64): for simulations, and for tests that fail
/// again when they have failed.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(_ seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// `count` random bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// A number from the range.
    public mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// Any integer, with a liking for those at the edges and near zero.
    public mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value {
        switch int(0...7) {
        case 0: .min
        case 1: .max
        case 2: Value(truncatingIfNeeded: int(-2...2))
        case 3: Value(truncatingIfNeeded: 1 << int(0...62))
        case 4: Value(truncatingIfNeeded: (1 << int(0...62)) - 1)
        default: Value(truncatingIfNeeded: next())
        }
    }

    /// Text of up to `most` characters, from one to four bytes each.
    public mutating func text(_ most: Int) -> String {
        let alphabet: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "\n", "\u{0}", "\u{7f}", "é", "漢", "🍺", "👩‍👩‍👧", "e\u{301}",
        ]
        return String((0..<int(0...most)).map { _ in alphabet[int(0...(alphabet.count - 1))] })
    }
}
