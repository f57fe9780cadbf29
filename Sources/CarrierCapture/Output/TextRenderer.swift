internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// Writes records for people, a line each:
///
///     #2 @96    42B ping             nonce=7  32 bytes
///        @138    5B gap              no frame start
///
/// Bytes from outside never reach a terminal as they are: control characters are escaped.
public struct TextRenderer: ~Copyable {
    /// Whether bodies follow their line, as hex and text.
    public var showsPayload: Bool
    /// Whether gaps and problems are coloured.
    public var usesColour: Bool
    private var text = LineBuffer()

    public init(showsPayload: Bool = false, usesColour: Bool = false) {
        self.showsPayload = showsPayload
        self.usesColour = usesColour
    }

    /// What was written and not yet taken, in bytes.
    public var pendingBytes: Int { text.count }

    /// Gives what was written to `body` and forgets it, keeping the memory.
    public mutating func drain(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try body(text.bytes)
        text.clear()
    }

    /// Appends one line, none for a container.
    public mutating func render(_ record: CaptureRecord) {
        switch record.content {
        case .unit(let unit):
            column("#\(unit.number)", 2)
            position(record)
            if unit.problem != nil { colour("31") }
            column(name(unit), 16)
            if unit.problem != nil { colour("0") }
            var separator: StaticString = " "
            if let direction = unit.direction {
                text.append(direction == .sent ? " >" : " <")
                if let peer = unit.peer { text.append(text: " \(peer.short)") }
                separator = "  "
            }
            for field in unit.fields {
                text.append(separator)
                show(field)
                separator = "  "
            }
            if let problem = unit.problem {
                text.append(separator)
                colour("31")
                escaped("! \(problem)")
                colour("0")
            }
            text.append("\n")
            if showsPayload, let payload = record.payload(of: unit) { dump(payload) }
        case .gap(let reason):
            column("", 2)
            position(record)
            colour("33")
            column("gap", 16)
            colour("0")
            text.append(" ")
            escaped(reason)
            text.append("\n")
            if showsPayload, let raw = record.raw { dump(raw) }
        case .container: break
        }
    }

    private func name(_ unit: CaptureRecord.Unit) -> String {
        guard unit.kind == "application", let header = unit.header else { return unit.kind }
        return "opcode \(header.opcode.rawValue)"
    }

    private mutating func position(_ record: CaptureRecord) {
        if let stream = record.stream {
            let mark = stream.isFromInitiator.map { $0 ? ">" : "<" } ?? "?"
            column(" \(stream.number)\(mark)", 4)
        }
        let offset = " @\(record.offset)"
        let length = " \(record.length)B"
        // The two columns share their width, so that long offsets push lengths only when both are long.
        text.append(text: offset)
        let padding = 11 - offset.utf8.count - length.utf8.count
        if padding > 0 { text.append(repeating: UInt8(ascii: " "), count: padding) }
        text.append(text: length)
        text.append(" ")
    }

    private mutating func column(_ value: String, _ width: Int) {
        text.append(text: value)
        let padding = width - value.utf8.count
        if padding > 0 { text.append(repeating: UInt8(ascii: " "), count: padding) }
    }

    private mutating func colour(_ code: StaticString) {
        guard usesColour else { return }
        text.append("\u{1b}[")
        text.append(code)
        text.append("m")
    }

    private mutating func show(_ field: Field) {
        if case .number(let count) = field.value, "\(field.name)" == "bytes" {
            text.append(text: "\(count) bytes")
            return
        }
        text.append(field.name)
        text.append("=")
        show(field.value)
    }

    private mutating func show(_ value: FieldValue) {
        switch value {
        case .number(let number): text.append(decimal: number)
        case .bool(let flag): text.append(flag ? "yes" : "no")
        case .text(let value): escaped(value.isEmpty ? "\"\"" : value)
        case .hex(let bytes): text.append(hex: bytes)
        case .json(let json): escaped(String(decoding: json.readableBytesView, as: UTF8.self))
        case .list(let values):
            text.append("[")
            for (index, item) in values.enumerated() {
                if index > 0 { text.append(" ") }
                show(item)
            }
            text.append("]")
        case .object(let fields):
            text.append("{")
            for (index, field) in fields.enumerated() {
                if index > 0 { text.append(" ") }
                text.append(field.name)
                text.append("=")
                show(field.value)
            }
            text.append("}")
        }
    }

    /// Text with its control characters as `\u{..}`.
    private mutating func escaped(_ value: String) {
        for scalar in value.unicodeScalars {
            let isControl =
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: true
                default: false
                }
            text.append(text: isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar))
        }
    }

    /// Sixteen bytes a line, as hex and text.
    private mutating func dump(_ bytes: ByteBuffer) {
        var rest = bytes
        var offset = 0
        while let line = rest.readSlice(length: min(16, rest.readableBytes)), line.readableBytes > 0 {
            let digits = String(offset, radix: 16)
            text.append("      ")
            text.append(repeating: UInt8(ascii: "0"), count: max(0, 6 - digits.utf8.count))
            text.append(text: digits)
            text.append("  ")
            for byte in line.readableBytesView {
                text.append(hex: CollectionOfOne(byte))
                text.append(" ")
            }
            text.append(repeating: UInt8(ascii: " "), count: (16 - line.readableBytes) * 3 + 1)
            for byte in line.readableBytesView {
                text.append(byte >= 0x20 && byte < 0x7f ? byte : UInt8(ascii: "."))
            }
            text.append("\n")
            offset += line.readableBytes
        }
    }
}
