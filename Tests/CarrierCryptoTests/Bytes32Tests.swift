import CarrierCrypto
import Testing

@Suite("32 bytes")
struct Bytes32Tests {
    private func random() -> [UInt8] { SystemRandom.bytes(32) }

    @Test("Order is the order of the bytes")
    func order() throws {
        for round in 0..<2000 {
            let left = random()
            var right = random()
            // Long common prefixes, so that every byte decides now and then.
            let common = round % 33
            right.replaceSubrange(0..<common, with: left[0..<common])
            let (first, second) = (try #require(Bytes32(left)), try #require(Bytes32(right)))
            #expect((first < second) == left.lexicographicallyPrecedes(right))
            #expect((first == second) == (left == right))
            #expect((first > second) == right.lexicographicallyPrecedes(left))
            if first == second { #expect(first.hashValue == second.hashValue) }
        }
    }

    @Test("Exclusive or works byte by byte, and undoes itself")
    func exclusiveOr() throws {
        for _ in 0..<200 {
            let (left, right) = (random(), random())
            let (first, second) = (try #require(Bytes32(left)), try #require(Bytes32(right)))
            #expect((first ^ second).array == zip(left, right).map { $0 ^ $1 })
            #expect(first ^ second ^ second == first)
            #expect(first ^ first == .zero)
        }
    }

    @Test("Hex is written in lower case and read in either")
    func hex() throws {
        for _ in 0..<200 {
            let value = try #require(Bytes32(random()))
            #expect(
                value.description
                    == value.array.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
            #expect(Bytes32(hex: value.description) == value)
            #expect(Bytes32(hex: value.description.uppercased()) == value)
        }
    }

    @Test(
        "What is not 64 hex digits is refused",
        arguments: [
            "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "0", count: 66), String(repeating: "g", count: 64),
            " " + String(repeating: "0", count: 63),
            "0x" + String(repeating: "0", count: 62), String(repeating: "é", count: 32),
            String(repeating: "０", count: 64),
        ])
    func malformedHex(text: String) {
        #expect(Bytes32(hex: text) == nil)
        #expect(PeerID(hex: text) == nil)
        #expect(NodeID(hex: text) == nil)
    }

    @Test("Only 32 bytes make 32 bytes", arguments: [0, 1, 31, 33, 64])
    func count(count: Int) {
        #expect(Bytes32([UInt8](repeating: 1, count: count)) == nil)
    }

    @Test("Leading zero bits are counted from the first byte")
    func leadingZeros() throws {
        #expect(Bytes32.zero.leadingZeroBitCount == 256)
        for bit in 0..<256 {
            var bytes = [UInt8](repeating: 0, count: 32)
            bytes[bit / 8] = 0x80 >> UInt8(bit % 8)
            #expect(Bytes32(bytes)?.leadingZeroBitCount == bit)
        }
    }

    @Test("The successor counts as one big number")
    func successor() throws {
        #expect(Bytes32(repeating(0xff))?.successor == .zero)
        for zeros in 0..<32 {
            // …00 ff ff + 1 = …01 00 00
            let before = [UInt8](repeating: 0, count: 32 - zeros) + [UInt8](repeating: 0xff, count: zeros)
            var after = [UInt8](repeating: 0, count: 32)
            after[31 - zeros] = 1
            #expect(Bytes32(before)?.successor.array == after)
        }
    }

    private func repeating(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    @Test("The bucket of an id is the place of the highest differing bit")
    func bucket() throws {
        let own = NodeID(try #require(Bytes32(random())))
        #expect(own.bucket(of: own) == nil)
        for bit in 0..<256 {
            var bytes = own.bytes.array
            bytes[31 - bit / 8] ^= 1 << UInt8(bit % 8)
            for lower in 0..<(31 - (31 - bit / 8)) { bytes[31 - lower] ^= SystemRandom.bytes(1)[0] }
            #expect(own.bucket(of: NodeID(try #require(Bytes32(bytes)))) == bit)
        }
    }

    @Test("Hex of any length goes there and back; odd counts and strangers are refused")
    func hexOfBytes() {
        for count in 0..<70 {
            let bytes = SystemRandom.bytes(count)
            #expect(hexBytes(hexString(bytes)) == bytes)
            #expect(hexBytes(hexString(bytes) + "a") == nil)
            #expect(hexBytes(hexString(bytes) + "-1") == nil)
        }
    }
}
