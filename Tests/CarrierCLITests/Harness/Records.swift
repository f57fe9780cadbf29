import Foundation
import Testing

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
        // Whatever test it is in: a record that the binary prints is one that the page of records lists.
        let unlisted = Self.names(value).subtracting(Self.page)
        if !unlisted.isEmpty { Issue.record("carrier help json lacks \(unlisted.sorted()) of \(line)") }
    }

    /// Every word of `carrier help json`; empty where it could not be asked.
    private static let page: Set<String> = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Scratch.binaries)/carrier")
        process.arguments = ["help", "json"]
        let pipe = Foundation.Pipe()
        process.standardOutput = pipe
        guard (try? process.run()) != nil, let text = try? pipe.fileHandleForReading.readToEnd() else { return [] }
        process.waitUntilExit()
        return Set(
            String(decoding: text, as: UTF8.self).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
    }()

    /// The type of a record, its keys, and those of the objects in it; kinds of messages are not keys of ours.
    private static func names(_ values: [String: JSONValue]) -> Set<String> {
        var names = Set(values.keys)
        if let type = values["type"]?.text { names.insert(type) }
        for (key, value) in values where key != "kinds" && key != "value" {
            for object in [value.object].compactMap(\.self) + (value.array ?? []).compactMap(\.object) {
                names.formUnion(
                    Self.names(key == "fields" ? object.filter { !["msgpack", "protobuf"].contains($0.key) } : object))
            }
        }
        return names
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
