import Foundation

/// One object of a `--json` stream.
struct JSONRecord: Sendable {
    /// The line.
    let line: String
    private let values: [String: JSONValue]

    /// Keys, in no order.
    var keys: Set<String> { Set(values.keys) }
    var type: String? { self["type"]?.text }

    subscript(key: String) -> JSONValue? { values[key] }

    init?(_ line: String) {
        guard let value = try? JSONDecoder().decode([String: JSONValue].self, from: Data(line.utf8)) else { return nil }
        self.line = line
        values = value
    }
}

/// A JSON value.
enum JSONValue: Sendable, Equatable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    var text: String? { if case .string(let value) = self { value } else { nil } }
    var number: Double? { if case .number(let value) = self { value } else { nil } }
    var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
    var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
}

extension Outcome {
    /// The records of its stdout; a line that is none is left out, so compare with `lines`.
    var records: [JSONRecord] { lines.compactMap { JSONRecord($0) } }
}
