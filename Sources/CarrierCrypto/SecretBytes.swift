internal import COpenSSL

/// Bytes that nobody else should see: wiped when the last reference goes, printed as redacted.
public final class SecretBytes: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // Written only by `init`, read only after it: safe to share.
    nonisolated(unsafe) private let storage: UnsafeMutableRawBufferPointer

    /// Copies `bytes`; the caller's copy is the caller's to wipe.
    public convenience init(_ bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { storage in storage.copyBytes(from: bytes) }
    }

    /// `count` bytes, filled in place.
    public init(count: Int, filling body: (UnsafeMutableRawBufferPointer) -> Void) {
        storage = .allocate(byteCount: count, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        body(storage)
    }

    /// `count` random bytes.
    public static func random(count: Int) -> SecretBytes {
        SecretBytes(count: count) { SystemRandom.fillSecret($0) }
    }

    deinit {
        OPENSSL_cleanse(storage.baseAddress, storage.count)
        storage.deallocate()
    }

    /// How many bytes there are.
    public var count: Int { storage.count }

    /// The bytes, for the time of the call: copy nothing out that outlives it.
    public func withUnsafeBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try body(UnsafeRawBufferPointer(storage))
    }

    public var description: String { "<\(storage.count) secret bytes>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
