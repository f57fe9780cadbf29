import CarrierCapture

/// One result: an object of the `--json` stream and a line of text.
protocol Record {
    /// The object's `type`.
    static var type: StaticString { get }
    /// The object's other keys.
    func encode(into line: inout JSONLine)
    /// The line without its end; nil where the text output does not show this record. What comes from outside goes
    /// through `escaped`.
    func text(_ style: Style) -> String?
}

/// Text from outside, fit for a line: control bytes become `\n`, `\x1b` and so on.
func escaped(_ text: String) -> String {
    var text = text
    return text.withUTF8 { escaped(UnsafeRawBufferPointer($0)) }
}

/// Bytes from outside, fit for a line.
func escaped(_ bytes: UnsafeRawBufferPointer) -> String {
    var buffer = LineBuffer(capacity: bytes.count + 16)
    buffer.append(escaping: bytes, for: .text)
    return String(decoding: buffer.bytes, as: UTF8.self)
}

/// A failure in the stream of records.
struct ErrorRecord: Record {
    static var type: StaticString { "error" }
    private let failure: Failure

    init(_ failure: Failure) { self.failure = failure }

    func encode(into line: inout JSONLine) {
        line.add("code", failure.code.name)
        line.add("exit", failure.code.rawValue)
        line.add("target", ifPresent: failure.target)
        line.add("message", failure.message)
    }

    // For people it is a diagnostic.
    func text(_ style: Style) -> String? { nil }
}

/// The last record of a stream.
struct EndRecord: Record {
    static var type: StaticString { "end" }
    let exit: Int32
    let reason: String
    let elapsed: Duration

    func encode(into line: inout JSONLine) {
        line.add("exit", exit)
        line.add("reason", reason)
        line.add("elapsed_ms", milliseconds: elapsed)
    }

    func text(_ style: Style) -> String? { nil }
}
