public import NIOCore
public import SwiftProtobuf

/// A message whose body is Protocol Buffers: a generated type with nothing more than this conformance.
///
/// Messages may lie 32 levels inside each other, unknown groups included. SwiftProtobuf says what is wrong with a body,
/// not where: its errors are a `WireError` at offset 0 that names the message type.
public protocol ProtobufMessage: CarrierWire.Message, SwiftProtobuf.Message {}

extension ProtobufMessage {
    public static var codec: Codec { .protobuf }

    public init(body: ByteBuffer) throws {
        try self.init(protobuf: body)
    }

    /// `init(body:)` with its error's type.
    public init(protobuf body: ByteBuffer) throws(WireError) {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 32
        do {
            self = try Self(serializedBytes: ProtobufBody(buffer: body), options: options)
        } catch {
            throw WireError(Self.protoMessageName, at: 0, Self.problem(error))
        }
    }

    public func encode(into output: inout ByteBuffer) throws {
        let bytes: ProtobufBody
        do { bytes = try serializedBytes() } catch {
            throw WireError(Self.protoMessageName, at: 0, Self.problem(error))
        }
        if output.readableBytes == 0 { output = bytes.buffer } else { output.writeImmutableBuffer(bytes.buffer) }
    }

    private static func problem(_ error: any Error) -> WireError.Problem {
        switch error {
        case BinaryDecodingError.messageDepthLimit: .tooDeep(limit: 32)
        case BinaryDecodingError.invalidUTF8: .notUTF8
        case BinaryDecodingError.truncated: .unexpected(expected: "whole Protocol Buffers", got: "a truncated body")
        default: .unexpected(expected: "Protocol Buffers", got: "\(error)")
        }
    }
}

/// A buffer as SwiftProtobuf reads and fills it, without a copy on the way.
private struct ProtobufBody: SwiftProtobufContiguousBytes {
    var buffer: ByteBuffer

    init(buffer: ByteBuffer) { self.buffer = buffer }
    init(repeating byte: UInt8, count: Int) { buffer = ByteBuffer(repeating: byte, count: count) }
    init(_ sequence: some Sequence<UInt8>) { buffer = ByteBuffer(bytes: sequence) }

    var count: Int { buffer.readableBytes }

    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try buffer.withUnsafeReadableBytes(body)
    }

    mutating func withUnsafeMutableBytes<Value>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        try buffer.withUnsafeMutableReadableBytes(body)
    }
}
