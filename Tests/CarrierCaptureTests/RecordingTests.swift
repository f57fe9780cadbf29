import CarrierCapture
import CarrierCrypto
import CarrierWire
import NIOCore
import Testing

@Suite("Recordings")
struct RecordingTests {
    @Test("What the writer writes, the decoder reads: frames, directions, peers", arguments: [1, 50, Int.max])
    func thereAndBack(pieceSize: Int) throws {
        let frames = try Samples.frames()
        let decoded = try Decoded(try Samples.recording(), pieceSize: pieceSize)
        #expect(decoded.frames == frames.map { Samples.bytes([$0]) })
        #expect(decoded.units.map(\.direction) == frames.indices.map { $0 % 2 == 0 ? .sent : .received })
        #expect(decoded.units.allSatisfy { $0.peer == Samples.identity.peerID })
        #expect(decoded.gaps.isEmpty)
    }

    @Test("The file is laid out as libpcap and carrier-wire(7) §9 say")
    func layout() {
        var output = CaptureWriter.fileHeader
        #expect(output.array.prefix(8) == [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0])
        #expect(output.getInteger(at: 20, endianness: .little, as: UInt32.self) == 147)
        CaptureWriter.write(
            Ping().frame(nonce: 1), .received, peer: PeerID(.zero), time: 3_000_007, to: &output)
        #expect(output.readableBytes == 24 + 16 + 34 + 16)
        let header = (0..<4).map { output.getInteger(at: 24 + 4 * $0, endianness: .little, as: UInt32.self) }
        #expect(header == [3, 7, 50, 50])
        #expect(output.getInteger(at: 40, as: UInt8.self) == 1 && output.getInteger(at: 41, as: UInt8.self) == 1)
    }

    @Test("A frame longer than any packet is cut and says so; the next one is whole")
    func longFrame() throws {
        var output = CaptureWriter.fileHeader
        let long = Frame(.bytes, body: ByteBuffer(repeating: 7, count: 1 << 20))
        CaptureWriter.write(long, .sent, peer: PeerID(.zero), time: 0, to: &output)
        CaptureWriter.write(Ping().frame(), .sent, peer: PeerID(.zero), time: 0, to: &output)
        let decoded = try Decoded(output)
        #expect(decoded.kinds == ["bytes", "ping"])
        #expect(decoded.units.map { $0.problem != nil } == [true, false])
        #expect(decoded.original == output)
    }

    @Test("Packets that are no recording are gaps")
    func foreign() throws {
        var output = CaptureWriter.fileHeader
        for bytes: [UInt8] in [
            [], [1], [2] + [UInt8](repeating: 0, count: 60), [1, 5] + [UInt8](repeating: 0, count: 60),
        ] {
            output.writeInteger(0, as: UInt64.self)
            output.writeInteger(UInt32(bytes.count), endianness: .little)
            output.writeInteger(UInt32(bytes.count), endianness: .little)
            output.writeBytes(bytes)
        }
        let decoded = try Decoded(output)
        #expect(decoded.units.isEmpty)
        #expect(decoded.gaps.count == 4)
        #expect(decoded.original == output)
    }
}
