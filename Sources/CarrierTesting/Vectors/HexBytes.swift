public import CarrierCrypto

/// Bytes that a vector file spells in hex digits.
public struct HexBytes: Decodable, Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let bytes = hexBytes(text.filter { $0 != "-" }) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected hex digits, got \(text)")
        }
        self.bytes = bytes
    }

    public var description: String { hexString(bytes) }

    /// A secret of these bytes.
    public var secret: SecretBytes { SecretBytes(bytes) }
}
