import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Frames")
struct FrameDecoderTests {
    private func frames(_ random: inout SeededRandom) -> [Frame] {
        (0..<random.int(1...8)).map { _ in
            Frame(
                Opcode(random.integer()), flags: Frame.Flags(rawValue: UInt8(random.int(0...15))),
                codec: Codec.allCases[random.int(0...2)], nonce: random.integer(),
                body: random.buffer(random.int(0...3) == 0 ? 5000 : 40))
        }
    }

    /// All frames that come out when the bytes go in cut at these places.
    private func decode(
        _ bytes: ByteBuffer, cuts: [Int], limit: Int = Frame.defaultBodyLimit
    ) throws(FrameError) -> (frames: [Frame], waiting: Int) {
        var decoder = FrameDecoder(bodyLimit: limit)
        var frames: [Frame] = []
        var bytes = bytes
        for cut in cuts + [bytes.readableBytes] {
            guard let piece = bytes.readSlice(length: min(cut, bytes.readableBytes)) else { break }
            decoder.feed(piece)
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return (frames, decoder.waitingBytes)
    }

    @Test("Frames come out as they went in, however the bytes are cut", arguments: UInt64(0)..<100)
    func cuts(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let frames = frames(&random)
        var bytes = ByteBuffer()
        for frame in frames {
            let before = bytes.readableBytes
            frame.encode(into: &bytes)
            #expect(bytes.readableBytes - before == frame.encodedSize)
        }
        let total = bytes.readableBytes
        #expect(try decode(bytes, cuts: []).frames == frames)
        #expect(try decode(bytes, cuts: [Int](repeating: 1, count: total)).frames == frames)
        let pieces = (0..<50).map { _ in random.int(0...(random.int(0...1) == 0 ? 20 : 3000)) }
        let result = try decode(bytes, cuts: pieces)
        #expect(result.frames == frames && result.waiting == 0)
    }

    @Test("A cut stream gives the frames before the cut, and says that it is inside one")
    func truncation() throws {
        var random = SeededRandom(1)
        let frames = [
            Frame(.ping, body: random.buffer(30)), Frame(Opcode(1000), flags: .reply, nonce: 3),
            Frame(.bytes, body: random.buffer(30)),
        ]
        var bytes = ByteBuffer()
        var ends: [Int] = []
        for frame in frames {
            frame.encode(into: &bytes)
            ends.append(bytes.readableBytes)
        }
        for count in 0...bytes.readableBytes {
            var decoder = FrameDecoder()
            decoder.feed(ByteBuffer(bytes: bytes.readableBytesView.prefix(count)))
            var seen: [Frame] = []
            while let frame = try decoder.next() { seen.append(frame) }
            let whole = ends.count { $0 <= count }
            #expect(seen == Array(frames.prefix(whole)))
            #expect(decoder.waitingBytes == count - (whole == 0 ? 0 : ends[whole - 1]))
            #expect(decoder.isInsideFrame == (decoder.waitingBytes > 0))
        }
    }

    private func header(
        length: UInt32, opcode: UInt32 = 1000, flags: UInt8 = 0, codec: UInt8 = 0, reserved: UInt16 = 0
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(length, endianness: .little)
        bytes.writeInteger(opcode, endianness: .little)
        bytes.writeInteger(flags)
        bytes.writeInteger(codec)
        bytes.writeInteger(reserved, endianness: .little)
        bytes.writeInteger(UInt32(9), endianness: .little)
        return bytes
    }

    @Test("The length is judged by the header alone", arguments: [0, 1, 1000, Frame.defaultBodyLimit])
    func limits(limit: Int) throws {
        #expect(try decode(header(length: UInt32(limit)), cuts: [], limit: limit).frames.count == (limit == 0 ? 1 : 0))
        for length in [UInt32(limit) + 1, .max] {
            for cuts in [[], [Int](repeating: 1, count: 16)] {
                #expect(throws: FrameError.bodyTooLarge(limit: limit, got: Int(length))) {
                    try decode(header(length: length), cuts: cuts, limit: limit)
                }
            }
        }
        var whole = header(length: UInt32(limit))
        whole.writeRepeatingByte(7, count: limit)
        let result = try decode(whole, cuts: [20], limit: limit)
        #expect(result.frames.first?.body.readableBytes == limit)
        #expect(result.waiting == 0)
    }

    @Test("A declared length takes no memory")
    func memory() throws {
        let before = try ProcessMemory.virtualBytes()
        var decoders: [FrameDecoder] = []
        for _ in 0..<64 {
            var decoder = FrameDecoder(bodyLimit: Int(UInt32.max))
            var bytes = header(length: .max)
            bytes.writeRepeatingByte(1, count: 100)
            decoder.feed(bytes)
            #expect(try decoder.next() == nil)
            #expect(decoder.waitingBytes == 116)
            decoders.append(decoder)
        }
        // 64 times 4 GiB were declared.
        #expect(try ProcessMemory.virtualBytes() - before < 4 << 30)
    }

    @Test("What version 1 does not know is refused")
    func unknown() {
        #expect(throws: FrameError.unknownFlags(0x10)) { try decode(header(length: 0, flags: 0x10), cuts: []) }
        #expect(throws: FrameError.unknownFlags(0x81)) { try decode(header(length: 0, flags: 0x81), cuts: []) }
        #expect(throws: FrameError.unknownCodec(3)) { try decode(header(length: 0, codec: 3), cuts: []) }
        #expect(throws: FrameError.reservedNotZero(0x100)) { try decode(header(length: 0, reserved: 0x100), cuts: []) }
    }

    @Test("The layout of a frame is that of the protocol")
    func layout() {
        var bytes = ByteBuffer()
        Frame(
            Opcode(0x0403_0201), flags: [.request, .endOfStream], codec: .msgpack, nonce: 0x0807_0605,
            body: ByteBuffer(bytes: [0xaa, 0xbb])
        ).encode(into: &bytes)
        #expect(bytes.array == [2, 0, 0, 0, 1, 2, 3, 4, 9, 2, 0, 0, 5, 6, 7, 8, 0xaa, 0xbb])
    }

    @Test("Garbage ends in frames of just these bytes or in a typed error", arguments: UInt64(0)..<300)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let bytes = random.bytes(random.int(0...600)).map { random.int(0...4) > 0 ? $0 & 3 : $0 }
        let input = ByteBuffer(bytes: bytes)
        func outcome(_ cuts: [Int]) -> Result<[UInt8], FrameError> {
            do throws(FrameError) {
                let (frames, waiting) = try decode(input, cuts: cuts)
                var output = ByteBuffer()
                for frame in frames { frame.encode(into: &output) }
                return .success(output.array + bytes.suffix(waiting))
            } catch { return .failure(error) }
        }
        let whole = outcome([])
        if case .success(let output) = whole { #expect(output == bytes) }
        // The cut changes nothing.
        #expect(outcome([Int](repeating: 1, count: bytes.count)) == whole)
        #expect(outcome([random.int(0...20), random.int(0...20)]) == whole)
    }

    @Test("Names of codecs and opcodes are read as they are written")
    func names() {
        for codec in Codec.allCases { #expect(Codec(name: codec.description) == codec) }
        #expect(Codec(name: "json") == nil)
        #expect("\(Opcode.lookupNodeRequest)" == "lookup-node-request")
        #expect("\(Opcode(1234))" == "opcode 1234")
        #expect(!Opcode(999).isApplication && Opcode.firstOfApplication.isApplication)
    }
}
