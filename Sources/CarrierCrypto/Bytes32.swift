/// 32 bytes held inline, ordered as bytes: what keys, hashes and node ids are made of.
public struct Bytes32: Hashable, Sendable {
    // Big-endian words, so that comparing words compares bytes. Four plain words rather than a SIMD vector: that is
    // aligned to 32 bytes, which the task allocator of Swift 6.3 does not provide (a task group whose result holds one
    // corrupts memory), and it would make every structure around it larger.
    @usableFromInline var words: (UInt64, UInt64, UInt64, UInt64)

    @inlinable
    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// 32 bytes of zero.
    public static let zero = Bytes32(words: (0, 0, 0, 0))

    /// Takes exactly 32 bytes; nil for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.init { raw in raw.copyBytes(from: bytes) }
    }

    /// Takes exactly 32 bytes; nil for any other count. Not generic, for the paths that every message takes.
    public init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == 32 else { return nil }
        self.init { $0.copyMemory(from: raw) }
    }

    /// Fills 32 bytes in place; they are zero before.
    public init<Failure: Error>(filling body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        // `withUnsafeMutableBytes(of:)` rethrows untyped: the failure travels in the result.
        let result: Result<Void, Failure> = withUnsafeMutableBytes(of: &words) { raw in
            do throws(Failure) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        try result.get()
        self.words = Self.swapped(words)
    }

    /// Random bytes from `generator`.
    public init(random generator: inout some RandomNumberGenerator) {
        words = (generator.next(), generator.next(), generator.next(), generator.next())
    }

    /// Memory order to words, and back.
    private static func swapped(
        _ words: (UInt64, UInt64, UInt64, UInt64)
    ) -> (UInt64, UInt64, UInt64, UInt64) {
        (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
    }

    /// The 32 bytes, for the time of the call.
    public func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        Swift.withUnsafeBytes(of: Self.swapped(words), body)
    }

    /// The 32 bytes as an array.
    public var array: [UInt8] { withUnsafeBytes { Array($0) } }

    /// How many bits are zero before the first one bit, 256 for zero.
    @inlinable
    public var leadingZeroBitCount: Int {
        if words.0 != 0 { return words.0.leadingZeroBitCount }
        if words.1 != 0 { return 64 + words.1.leadingZeroBitCount }
        if words.2 != 0 { return 128 + words.2.leadingZeroBitCount }
        return 192 + words.3.leadingZeroBitCount
    }

    /// Bitwise exclusive or: the Kademlia distance of two node ids.
    @inlinable
    public static func ^ (left: Bytes32, right: Bytes32) -> Bytes32 {
        Bytes32(
            words: (
                left.words.0 ^ right.words.0, left.words.1 ^ right.words.1, left.words.2 ^ right.words.2,
                left.words.3 ^ right.words.3
            ))
    }

    /// The value one higher, read as a big-endian number; wraps around.
    public var successor: Bytes32 {
        var next = words
        next.3 &+= 1
        if next.3 == 0 { next.2 &+= 1 }
        if next.3 == 0 && next.2 == 0 { next.1 &+= 1 }
        if next.3 == 0 && next.2 == 0 && next.1 == 0 { next.0 &+= 1 }
        return Bytes32(words: next)
    }

    @inlinable
    public static func == (left: Bytes32, right: Bytes32) -> Bool { left.words == right.words }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Bytes32: Comparable {
    @inlinable
    public static func < (left: Bytes32, right: Bytes32) -> Bool { left.words < right.words }
}

extension Bytes32: CustomStringConvertible {
    /// 64 lower-case hex digits.
    public var description: String { hexString(array) }

    /// Reads 64 hex digits of either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 64, let bytes = hexBytes(hex) else { return nil }
        self.init(bytes)
    }
}
