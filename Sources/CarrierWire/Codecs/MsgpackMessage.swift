public import NIOCore

/// A message whose body is MessagePack: any `Codable` type, over libmsgpack.
///
/// Keyed types become maps with text keys, unkeyed ones arrays; `Data`, `[UInt8]` and `ByteBuffer` become binary, `Date`
/// the timestamp extension, integers and floats the shortest form that holds them. When decoding, keys that the type does
/// not know are passed over, a key that is there twice is an error. What goes wrong is a `WireError` that names the path
/// (`orders[3].name`) and the offset.
public protocol MsgpackMessage: Message, Codable {}

extension MsgpackMessage {
    public static var codec: Codec { .msgpack }

    public init(body: ByteBuffer) throws {
        self = try Self.decode(msgpack: body)
    }

    public func encode(into output: inout ByteBuffer) throws {
        try encode(msgpack: &output)
    }
}

extension Decodable {
    /// The value that a MessagePack body holds, at most 32 levels deep; what comes after it is an error.
    public static func decode(msgpack body: ByteBuffer) throws(WireError) -> Self {
        let document = try MsgpackDocument(body)
        do {
            return try MsgpackDecoder(document, document.root, at: []).decode(Self.self)
        } catch let error as DecodingError {
            throw document.failure(error)
        } catch let error as WireError {
            throw error
        } catch {
            throw document.failure(at: [], .unexpected(expected: "\(Self.self)", got: "\(error)"))
        }
    }
}

extension Encodable {
    /// Appends the value as MessagePack.
    ///
    /// - Throws: `tooDeep` above 32 levels, `unexpected` for a value that encodes nothing or fails to.
    public func encode(msgpack output: inout ByteBuffer) throws(WireError) {
        let slot = MsgpackEncoder(at: [])
        do {
            try slot.encode(self)
        } catch let error as WireError {
            throw error
        } catch EncodingError.invalidValue(let value, let context) {
            throw WireError(
                context.codingPath.msgpackPath, at: 0,
                .unexpected(expected: context.debugDescription, got: "\(type(of: value))"))
        } catch {
            throw WireError("body", at: 0, .unexpected(expected: "a value that encodes itself", got: "\(error)"))
        }
        try MsgpackPacker.pack(into: &output) { packer throws(WireError) in try slot.pack(with: &packer, depth: 0) }
    }
}

extension MsgpackDocument {
    /// What a decoder found wrong, with its place.
    fileprivate func failure(_ error: DecodingError) -> WireError {
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            failure(at: context.codingPath, .unexpected(expected: "\(type)", got: context.debugDescription))
        case .keyNotFound(let key, let context):
            failure(at: context.codingPath, .unexpected(expected: "the key \(key.stringValue)", got: "none"))
        case .dataCorrupted(let context):
            failure(
                at: context.codingPath,
                (context.underlyingError as? WireError)?.problem
                    ?? .unexpected(expected: "a value of the type", got: context.debugDescription))
        @unknown default:
            failure(at: [], .unexpected(expected: "a value of the type", got: "\(error)"))
        }
    }
}
