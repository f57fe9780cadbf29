package import NIOCore

/// Lines on their way out: a raw buffer that grows, is written out and is used again, because `ByteBuffer` checks more at
/// each byte than a byte of JSON costs.
package struct LineBuffer: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// How many bytes there are.
    package private(set) var count = 0

    package init(capacity: Int = 512) {
        memory = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { memory.deallocate() }

    /// The bytes, for the time of the call.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Forgets the bytes and keeps the memory.
    package mutating func clear() { count = 0 }

    /// Makes room for `most` bytes and lets `write` fill it; it returns how many it wrote.
    @inline(__always)
    package mutating func append(atMost most: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        if capacity - count < most { grow(by: most) }
        let written = write(memory + count)
        precondition(written <= most, "more bytes written than room was made for")
        count += written
    }

    @inline(never)
    private mutating func grow(by most: Int) {
        capacity = max(capacity * 2, count + most)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.initialize(from: memory, count: count)
        memory.deallocate()
        memory = larger
    }

    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        append(atMost: 1) { room in
            room[0] = byte
            return 1
        }
    }

    @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        append(atMost: bytes.count) { room in
            if let source = bytes.baseAddress {
                UnsafeMutableRawPointer(room).copyMemory(from: source, byteCount: bytes.count)
            }
            return bytes.count
        }
    }

    @inline(__always)
    package mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func append(text: some StringProtocol) {
        var text = String(text)
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { append($0) }
    }

    package mutating func append(repeating byte: UInt8, count: Int) {
        guard count > 0 else { return }
        append(atMost: count) { room in
            room.update(repeating: byte, count: count)
            return count
        }
    }

    /// A number's decimal digits.
    package mutating func append(decimal value: UInt64) {
        append(atMost: 20) { room in
            var digits = 1
            var bound: UInt64 = 10
            while digits < 20, value >= bound {
                digits += 1
                bound &*= 10
            }
            var rest = value
            for position in stride(from: digits - 1, through: 0, by: -1) {
                room[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return digits
        }
    }

    /// A whole number's decimal digits, with its sign.
    @inline(__always)
    package mutating func append(decimal value: some FixedWidthInteger) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(value.magnitude))
    }

    /// Bytes as lower-case hex digits.
    package mutating func append(hex bytes: some Collection<UInt8>) {
        append(atMost: bytes.count * 2) { room in
            var position = 0
            for byte in bytes {
                room[position] = Self.hexDigit(byte >> 4)
                room[position + 1] = Self.hexDigit(byte & 15)
                position += 2
            }
            return position
        }
    }

    @inline(__always)
    static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
    }

    /// Bytes as base64 (RFC 4648 §4, with padding).
    package mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        let count = (bytes.count + 2) / 3 * 4
        append(atMost: count) { room in
            Base64.encode(bytes, into: UnsafeMutableRawBufferPointer(start: room, count: count))
            return count
        }
    }
}
