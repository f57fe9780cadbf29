internal import CarrierCrypto
internal import FoundationEssentials
internal import NIOCore

/// JSON that is no value: where in it, and why.
public struct MsgpackJSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path, like `orders[3].name`; `body` for the whole.
    public let field: String
    /// What could stand there.
    public let expected: String
    /// What stands there.
    public let got: String

    public var description: String { "\(field): expected \(expected), got \(got)" }
}

/// The key of an object that stands for a value without a form in JSON.
private enum Tag: String, CaseIterable {
    case bin = "$bin"
    case ext = "$ext"
    case time = "$time"
    case float = "$float"
    case map = "$map"
}

/// MessagePack as JSON and back, without loss.
///
/// What JSON has no form for becomes an object with one key that begins with `$`: `{"$bin":"base64"}`,
/// `{"$ext":[type,"base64"]}`, `{"$time":[seconds,nanoseconds]}`, `{"$float":"nan"}` (`inf`, `-inf`), and
/// `{"$map":[[key,value],…]}` for a map whose keys are not text, are there twice, or would read as one of these. Only
/// the width of floats is lost, and a whole one comes back as an integer.
extension MsgpackValue {
    /// The value as JSON on one line.
    public var json: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += "\(value)"
        case .uint(let value): text += "\(value)"
        case .float(let value): Self.write(Double(value), to: &text)
        case .double(let value): Self.write(value, to: &text)
        case .string(let value): Self.write(value, to: &text)
        case .binary(let value): text += #"{"\#(Tag.bin.rawValue)":"\#(Self.base64(value))"}"#
        case .ext(let type, let value): text += #"{"\#(Tag.ext.rawValue)":[\#(type),"\#(Self.base64(value))"]}"#
        case .timestamp(let seconds, let nanoseconds):
            text += #"{"\#(Tag.time.rawValue)":[\#(seconds),\#(nanoseconds)]}"#
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.write(to: &text)
            }
            text += "]"
        case .map(let entries): Self.write(entries, to: &text)
        }
    }

    private static func write(_ number: Double, to text: inout String) {
        let name = number.isNaN ? "nan" : number > 0 ? "inf" : "-inf"
        text += number.isFinite ? "\(number)" : #"{"\#(Tag.float.rawValue)":"\#(name)"}"#
    }

    private static func write(_ entries: [Entry], to text: inout String) {
        var names = Set<String>()
        let isObject = entries.allSatisfy { entry in
            if case .string(let name) = entry.key { names.insert(name).inserted } else { false }
        }
        let isPlain = isObject && !(entries.count == 1 && names.contains { Tag(rawValue: $0) != nil })
        text += isPlain ? "{" : #"{"\#(Tag.map.rawValue)":["#
        for (index, entry) in entries.enumerated() {
            if index > 0 { text += "," }
            if !isPlain { text += "[" }
            entry.key.write(to: &text)
            text += isPlain ? ":" : ","
            entry.value.write(to: &text)
            if !isPlain { text += "]" }
        }
        text += isPlain ? "}" : "]}"
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // Control characters, and DEL and C1 for the sake of the terminal that may show them.
            case "\u{00}"..."\u{1f}", "\u{7f}"..."\u{9f}":
                text += "\\u00" + hexString(CollectionOfOne(UInt8(truncatingIfNeeded: scalar.value)))
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private static func base64(_ bytes: ByteBuffer) -> String { Data(bytes.readableBytesView).base64EncodedString() }

    /// Reads JSON, at most 32 levels deep. The entries of an object are put in the order of their keys, so that the same
    /// JSON always gives the same bytes.
    public init(json text: String) throws(MsgpackJSONError) {
        do {
            self = try JSONDecoder().decode(JSONShape.self, from: Data(text.utf8)).value
        } catch let error as MsgpackJSONError {
            throw error
        } catch DecodingError.dataCorrupted(let context) {
            let reason = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            throw MsgpackJSONError(field: context.codingPath.jsonPath, expected: "JSON", got: reason)
        } catch {
            throw MsgpackJSONError(field: "body", expected: "JSON", got: "\(error)")
        }
    }

    /// The value for which an object with one tag stands.
    fileprivate init?(_ tag: Tag, _ content: MsgpackValue) {
        switch (tag, content) {
        case (.bin, .string(let text)):
            guard let data = Data(base64Encoded: text) else { return nil }
            self = .binary(ByteBuffer(bytes: data))
        case (.ext, .array(let items)):
            guard
                items.count == 2, case .int(let number) = items[0], let type = Int8(exactly: number),
                case .string(let text) = items[1], let data = Data(base64Encoded: text)
            else { return nil }
            self = .ext(type, ByteBuffer(bytes: data))
        case (.time, .array(let items)):
            guard
                items.count == 2, case .int(let seconds) = items[0], case .int(let number) = items[1],
                let nanoseconds = UInt32(exactly: number), nanoseconds < 1_000_000_000
            else { return nil }
            self = .timestamp(seconds: seconds, nanoseconds: nanoseconds)
        case (.float, .string("nan")): self = .double(.nan)
        case (.float, .string("inf")): self = .double(.infinity)
        case (.float, .string("-inf")): self = .double(-.infinity)
        case (.map, .array(let items)):
            var entries: [Entry] = []
            for item in items {
                guard case .array(let pair) = item, pair.count == 2 else { return nil }
                entries.append(Entry(pair[0], pair[1]))
            }
            self = .map(entries)
        default: return nil
        }
    }
}

/// Takes whatever stands in JSON.
private struct JSONShape: Decodable {
    let value: MsgpackValue

    init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count <= MsgpackDocument.depthLimit else {
            throw MsgpackJSONError(
                field: decoder.codingPath.jsonPath, expected: "at most \(MsgpackDocument.depthLimit) levels",
                got: "more")
        }
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            value = .string(text)
        } else if container.decodeNil() {
            value = .null
        } else if let number = try? container.decode(Int64.self) {
            value = .int(number)
        } else if let number = try? container.decode(UInt64.self) {
            value = .uint(number)
        } else if let flag = try? container.decode(Bool.self) {
            value = .bool(flag)
        } else if let number = try? container.decode(Double.self) {
            value = .double(number)
        } else if let items = try? decoder.unkeyedContainer() {
            var (items, values) = (items, [MsgpackValue]())
            while !items.isAtEnd { values.append(try items.decode(JSONShape.self).value) }
            value = .array(values)
        } else {
            value = try Self.object(decoder)
        }
    }

    private static func object(_ decoder: any Decoder) throws -> MsgpackValue {
        let container = try decoder.container(keyedBy: MsgpackName.self)
        let entries = try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
            MsgpackValue.Entry(.string(key.stringValue), try container.decode(JSONShape.self, forKey: key).value)
        }
        guard entries.count == 1, case .string(let name) = entries[0].key, let tag = Tag(rawValue: name) else {
            return .map(entries)
        }
        guard let value = MsgpackValue(tag, entries[0].value) else {
            throw MsgpackJSONError(
                field: decoder.codingPath.jsonPath, expected: "what \(name) stands for", got: entries[0].value.json)
        }
        return value
    }
}

extension [any CodingKey] {
    /// `body`, `orders[3].name`: JSONDecoder's keys of arrays have a number.
    fileprivate var jsonPath: String {
        map { key -> any CodingKey in key.intValue.map { MsgpackIndex($0) } ?? key }.msgpackPath
    }
}
