/// 32 bytes held inline, ordered as bytes: what keys, hashes and node ids are made of.
public struct Bytes32: Hashable, Sendable {
    // Big-endian words, so that comparing words compares bytes.
    @usableFromInline let words: SIMD4<UInt64>

    @inlinable
    init(words: SIMD4<UInt64>) {
        self.words = words
    }

    /// 32 bytes of zero.
    public static let zero = Bytes32(words: .zero)

    /// Takes exactly 32 bytes; nil for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words = SIMD4<UInt64>.zero
        for (index, byte) in bytes.enumerated() {
            words[index >> 3] = words[index >> 3] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// Takes exactly 32 bytes; nil for any other count. Not generic, for the paths that every message takes.
    public init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == 32 else { return nil }
        var words = SIMD4<UInt64>.zero
        for index in 0..<4 {
            words[index] = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        self.words = words
    }

    /// Fills 32 bytes in place.
    public init<Failure: Error>(filling body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        var words = SIMD4<UInt64>.zero
        // `withUnsafeMutableBytes(of:)` rethrows untyped: the failure travels in the result.
        let result: Result<Void, Failure> = withUnsafeMutableBytes(of: &words) { raw in
            do throws(Failure) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        try result.get()
        for index in 0..<4 { words[index] = UInt64(bigEndian: words[index]) }
        self.words = words
    }

    /// Random bytes from `generator`.
    public init(random generator: inout some RandomNumberGenerator) {
        words = SIMD4(generator.next(), generator.next(), generator.next(), generator.next())
    }

    /// The 32 bytes, for the time of the call.
    public func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        var raw = words
        for index in 0..<4 { raw[index] = raw[index].bigEndian }
        return Swift.withUnsafeBytes(of: raw, body)
    }

    /// The 32 bytes as an array.
    public var array: [UInt8] { withUnsafeBytes { Array($0) } }

    /// How many bits are zero before the first one bit, 256 for zero.
    @inlinable
    public var leadingZeroBitCount: Int {
        for index in 0..<4 where words[index] != 0 { return index * 64 + words[index].leadingZeroBitCount }
        return 256
    }

    /// Bitwise exclusive or: the Kademlia distance of two node ids.
    @inlinable
    public static func ^ (left: Bytes32, right: Bytes32) -> Bytes32 {
        Bytes32(words: left.words ^ right.words)
    }

    /// The value one higher, read as a big-endian number; wraps around.
    public var successor: Bytes32 {
        var next = words
        for index in (0..<4).reversed() {
            next[index] &+= 1
            if next[index] != 0 { break }
        }
        return Bytes32(words: next)
    }
}

extension Bytes32: Comparable {
    @inlinable
    public static func < (left: Bytes32, right: Bytes32) -> Bool {
        for index in 0..<3 where left.words[index] != right.words[index] { return left.words[index] < right.words[index] }
        return left.words[3] < right.words[3]
    }
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
