import CarrierCapture

/// One record on its way to stdout: a JSON object written straight into the output's bytes, keys in the order of the
/// calls.
///
/// Keys are snake_case and carry their unit (`rtt_ms`, `lease_s`, `bytes`).
struct JSONLine: ~Copyable {
    /// What is written so far, of this record and of others that wait.
    var bytes = LineBuffer()
    private var needsComma = false

    /// Opens the object with its `type`.
    mutating func begin(_ type: StaticString) {
        bytes.append("{\"type\":\"")
        bytes.append(type)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Closes the object and the line.
    mutating func end() { bytes.append("}\n") }

    @inline(__always)
    private mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(key)
        bytes.append("\":")
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    mutating func add(_ key: StaticString, _ value: some FixedWidthInteger) {
        self.key(key)
        bytes.append(decimal: value)
    }

    mutating func add(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bytes.append(value ? "true" : "false")
    }

    mutating func add(_ key: StaticString, _ value: String) {
        self.key(key)
        self.value(value)
    }

    /// A number rounded to `decimals` places; `null` for what is no number.
    mutating func add(_ key: StaticString, _ value: Double, decimals: Int = 3) {
        self.key(key)
        bytes.append(text: Self.rounded(value, decimals))
    }

    private static func rounded(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "null" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        if rounded.isFinite, rounded == rounded.rounded(), abs(rounded) < 1e15 { return "\(Int64(rounded))" }
        return rounded.isFinite ? "\(rounded)" : "\(value)"
    }

    /// A duration in milliseconds, to the microsecond.
    mutating func add(_ key: StaticString, milliseconds value: Duration) {
        add(key, value.milliseconds, decimals: 3)
    }

    /// `null`.
    mutating func addNull(_ key: StaticString) {
        self.key(key)
        bytes.append("null")
    }

    /// A value only where there is one; no key otherwise.
    mutating func add(_ key: StaticString, ifPresent value: String?) {
        if let value { add(key, value) }
    }

    mutating func add(_ key: StaticString, hex value: UnsafeRawBufferPointer) {
        self.key(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(hex: value)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ key: StaticString, base64 value: UnsafeRawBufferPointer) {
        self.key(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(base64: value)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ key: StaticString, utf8 value: UnsafeRawBufferPointer) {
        self.key(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(escaping: value, for: .json)
        bytes.append(UInt8(ascii: "\""))
    }

    /// `bytes`, `payload_b64`, and `text` where the payload is UTF-8.
    mutating func add(payload: UnsafeRawBufferPointer) {
        add("bytes", payload.count)
        add("payload_b64", base64: payload)
        if LineBuffer.isUTF8(payload) { add("text", utf8: payload) }
    }

    mutating func add(_ key: StaticString, _ values: some Sequence<String>) {
        array(key) { line in
            for value in values { line.element(value) }
        }
    }

    /// A nested object.
    mutating func object(_ key: StaticString, _ body: (inout JSONLine) -> Void) {
        self.key(key)
        nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// A nested array: `element` adds to it.
    mutating func array(_ key: StaticString, _ body: (inout JSONLine) -> Void) {
        self.key(key)
        nest(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// An object as the next element of the array that is open.
    mutating func elementObject(_ body: (inout JSONLine) -> Void) {
        separate()
        nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    mutating func element(_ value: String) {
        separate()
        self.value(value)
    }

    mutating func element(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(decimal: value)
    }

    private mutating func value(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(escaping: text, for: .json)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func nest(_ opening: UInt8, _ closing: UInt8, _ body: (inout JSONLine) -> Void) {
        bytes.append(opening)
        needsComma = false
        body(&self)
        bytes.append(closing)
        needsComma = true
    }
}

extension Duration {
    /// The duration in milliseconds.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
