/// Bytes that do not mean what they should: which field, where, and what is wrong with it.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Equatable, Sendable {
        /// A value needs more bytes than are left.
        case truncated(needed: Int, left: Int)
        /// A length or count is over its limit.
        case tooLong(limit: Int, got: Int)
        /// A boolean byte that is neither 0 nor 1.
        case notABoolean(UInt8)
        /// Text that is not UTF-8.
        case notUTF8
        /// Bytes after the last field.
        case trailing(Int)
        /// Values nested deeper than the limit.
        case tooDeep(limit: Int)
        /// Anything else: what was expected, what was there.
        case unexpected(expected: String, got: String)
    }

    /// The name of the field, as in carrier-wire(7).
    public var field: String
    /// Where the field begins, in bytes from the start of the body.
    public var offset: Int
    /// What is wrong there.
    public var problem: Problem

    /// A field, its offset in bytes, and what is wrong with it.
    public init(_ field: String, at offset: Int, _ problem: Problem) {
        self.field = field
        self.offset = offset
        self.problem = problem
    }

    public var description: String {
        let detail =
            switch problem {
            case .truncated(let needed, let left): "expected \(needed) bytes, got \(left)"
            case .tooLong(let limit, let got): "expected at most \(limit), got \(got)"
            case .notABoolean(let byte): "expected 0 or 1, got \(byte)"
            case .notUTF8: "expected UTF-8, got other bytes"
            case .trailing(let count): "expected the end, got \(count) more bytes"
            case .tooDeep(let limit): "expected at most \(limit) levels, got more"
            case .unexpected(let expected, let got): "expected \(expected), got \(got)"
            }
        return "\(field) at offset \(offset): \(detail)"
    }
}
