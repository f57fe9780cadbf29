import CarrierCapture
import CarrierWire
import NIOCore
import Testing

@Suite("Frames in bytes that may hold anything")
struct FrameScannerTests {
    @Test("Every message is a frame with its kind and no problem")
    func everyMessage() throws {
        let frames = try Samples.frames()
        let decoded = try Decoded(Samples.bytes(frames))
        #expect(decoded.gaps.isEmpty)
        #expect(decoded.kinds == frames.map { $0.opcode.isApplication ? "application" : $0.opcode.description })
        #expect(decoded.units.allSatisfy { $0.problem == nil })
        #expect(decoded.frames == frames.map { Samples.bytes([$0]) })
    }

    @Test("What comes out does not depend on the pieces", arguments: [1, 2, 3, 7, 16, 17, 64, 1000])
    func pieces(size: Int) throws {
        var random = SeededRandom(seed: 3)
        var input = Samples.bytes(try Samples.frames())
        input.writeBytes(random.bytes(200))
        input.writeImmutableBuffer(Samples.bytes(try Samples.frames()))
        input.writeBytes([9, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0])
        let whole = try Decoded(input)
        let pieces = try Decoded(input, pieceSize: size)
        #expect(pieces.json == whole.json)
        #expect(whole.original == input)
    }

    @Test("A gap is reported with offset and length, and frames go on behind it")
    func gap() throws {
        let ping = Samples.bytes([Ping(payload: ByteBuffer(string: "0123456789")).frame(flags: .request, nonce: 1)])
        var input = ping
        input.writeString("xxxxx")
        input.writeImmutableBuffer(ping)
        let decoded = try Decoded(input)
        #expect(decoded.kinds == ["ping", "ping"])
        #expect(decoded.gaps.map(\.offset) == [26] && decoded.gaps.map(\.length) == [5])
        #expect(decoded.gaps.map(\.reason) == ["no frame start"])
    }

    @Test("A frame that is cut short is a gap that says so, and does not hide the frames in it")
    func cutShort() throws {
        let inner = Samples.bytes([Ping().frame(flags: .request, nonce: 1)])
        var input = ByteBuffer()
        Frame(.bytes, body: ByteBuffer(repeating: 0x61, count: 1000)).encodeHeader(into: &input)
        input.writeString("abc")
        input.writeImmutableBuffer(inner)
        let decoded = try Decoded(input)
        #expect(decoded.kinds == ["ping"])
        #expect(decoded.gaps.map(\.reason) == ["frame cut short: 35 of 1016 bytes"])
        #expect(decoded.gaps.map(\.length) == [19])
    }

    @Test("A damaged length costs the frame it is in and finds the next ones again")
    func damagedLength() throws {
        let frames = (1...20).map {
            Ping(payload: ByteBuffer(repeating: 1, count: 40)).frame(flags: .request, nonce: $0)
        }
        var input = Samples.bytes(frames)
        input.setInteger(0xffff_ffff, at: 56 * 5, endianness: .little, as: UInt32.self)
        let decoded = try Decoded(input)
        #expect(decoded.kinds.count == 19)
        #expect(decoded.gaps.map(\.offset) == [280] && decoded.gaps.map(\.length) == [56])
    }

    @Test("Zeros are one gap, never frames")
    func zeros() throws {
        let decoded = try Decoded([UInt8](repeating: 0, count: 1000))
        #expect(decoded.units.isEmpty)
        #expect(decoded.gaps.map(\.length) == [1000])
    }

    @Test("A long gap comes in pieces, so that memory does not follow it")
    func longGap() throws {
        let decoded = try Decoded([UInt8](repeating: 0xff, count: 200_000), pieceSize: 4096)
        #expect(decoded.gaps.allSatisfy { $0.length <= UInt64(FrameScanner.gapLimit) })
        #expect(decoded.gaps.reduce(0) { $0 + $1.length } == 200_000)
    }

    @Test("A frame is given as soon as its last byte has come")
    func promptness() throws {
        var scanner = FrameScanner()
        var bytes = Samples.bytes([Ping(payload: ByteBuffer(string: "x")).frame(flags: .request, nonce: 1)])
        while let byte = bytes.readSlice(length: 1) {
            #expect(scanner.next()?.offset == nil)
            scanner.feed(byte)
        }
        #expect(scanner.next()?.header?.opcode == .ping)
    }

    @Test("A body over the limit is no frame, judged by the header alone")
    func limit() throws {
        var input = ByteBuffer()
        Frame(.bytes).encodeHeader(into: &input)
        input.setInteger(UInt32(Frame.defaultBodyLimit + 1), at: 0, endianness: .little)
        var scanner = FrameScanner()
        scanner.feed(input)
        scanner.finish()
        #expect(scanner.next()?.header == nil)
    }
}
