import CarrierCrypto
import CarrierTesting
import CarrierWire
import NIOCore

extension SeededRandom {
    mutating func buffer(_ most: Int) -> ByteBuffer {
        let count = int(0...most)
        return ByteBuffer(bytes: bytes(count))
    }

    mutating func bytes32() -> Bytes32 { Bytes32(random: &self) }

    mutating func identity() throws -> Identity {
        Identity(key: try Ed25519.SigningKey(seed: SecretBytes(bytes(32))), puzzleNonce: bytes32())
    }

    mutating func record() throws -> PeerRecord {
        let addresses = (0..<int(0...PeerRecord.addressLimit)).map { _ in text(20) }
        return try PeerRecord(signedBy: identity(), sequence: integer(), addresses: addresses)
    }

    mutating func broadcast() throws -> Broadcast {
        var message = try Broadcast(
            signedBy: identity(), sequence: integer(), message: Opcode(UInt32(int(1000...100_000))),
            codec: Codec.allCases[int(0...2)], body: buffer(200), height: integer(), wantsReport: int(0...1) == 1)
        message.hops = integer()
        return message
    }

    /// A value of MessagePack, at most `depth` containers deep.
    mutating func value(depth: Int = 4) -> MsgpackValue {
        switch int(0...(depth > 0 ? 12 : 9)) {
        case 0: return .null
        case 1: return .bool(int(0...1) == 1)
        case 2, 3: return .int(integer())
        case 4: return .uint(UInt64(Int64.max) + 1 + UInt64(int(0...1000)))
        case 5: return .double(Double(bitPattern: next()))
        case 6:
            // libmsgpack keeps no payload of a NaN of 32 bits.
            let number = Float(bitPattern: UInt32(truncatingIfNeeded: next()))
            return .float(number.isNaN ? .nan : number)
        case 7: return .string(text(40))
        case 8: return .binary(buffer(300))
        case 9:
            if int(0...1) == 0 { return .timestamp(seconds: integer(), nanoseconds: UInt32(int(0...999_999_999))) }
            return .ext(Int8(int(0...127)), buffer(40))
        case 10, 11: return .array((0..<int(0...20)).map { _ in value(depth: depth - 1) })
        default: return .map((0..<int(0...20)).map { _ in .init(value(depth: depth - 1), value(depth: depth - 1)) })
        }
    }
}

extension MsgpackValue {
    /// The bytes of the value; equal bytes are equal values, NaN included.
    var encoded: ByteBuffer {
        get throws {
            var output = ByteBuffer()
            try encode(into: &output)
            return output
        }
    }
}

extension ByteBuffer {
    var array: [UInt8] { Array(readableBytesView) }
}
