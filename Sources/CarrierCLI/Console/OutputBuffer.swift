/// Bytes on their way to stdout: grows, is written out, and is used again.
///
/// A raw buffer, because an array's checks at each byte cost more than the bytes themselves at the rates of `decode`.
struct OutputBuffer: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    /// How many bytes wait.
    private(set) var count = 0

    init(capacity: Int = 4096) {
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// The bytes that wait, for the time of the call.
    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
    }

    /// Forgets the bytes and keeps the room.
    mutating func removeAll() { count = 0 }

    /// Makes room for `additional` bytes and lets `body` write them; it returns how many it wrote.
    @inline(__always)
    mutating func append(atMost additional: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        if storage.count - count < additional { grow(by: additional) }
        guard let base = storage.baseAddress else { return }
        let written = body((base + count).assumingMemoryBound(to: UInt8.self))
        precondition(written <= additional, "more bytes written than room was made for")
        count += written
    }

    @inline(never)
    private mutating func grow(by additional: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, count + additional), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
        storage.deallocate()
        storage = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        append(atMost: 1) { target in
            target[0] = byte
            return 1
        }
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        append(atMost: bytes.count) { target in
            if let source = bytes.baseAddress {
                UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
            }
            return bytes.count
        }
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: some StringProtocol) {
        var text = String(text)
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// An integer in decimal digits.
    mutating func append(decimal value: some FixedWidthInteger) {
        append(atMost: 40) { target in
            var digits = value.magnitude
            var length = 0
            repeat {
                let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 10)
                target[length] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
                length += 1
                digits = quotient
            } while digits != 0
            if value < 0 {
                target[length] = UInt8(ascii: "-")
                length += 1
            }
            var written = UnsafeMutableBufferPointer(start: target, count: length)[...]
            written.reverse()
            return length
        }
    }

    /// Bytes as lower-case hex digits.
    mutating func append(hex bytes: UnsafeRawBufferPointer) {
        append(atMost: bytes.count * 2) { target in
            var position = 0
            for byte in bytes {
                target[position] = Self.hexDigit(byte >> 4)
                target[position + 1] = Self.hexDigit(byte & 15)
                position += 2
            }
            return position
        }
    }

    @inline(__always)
    static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
    }
}
