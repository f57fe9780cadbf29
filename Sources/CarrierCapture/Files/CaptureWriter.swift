public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// Writes frames in the clear as a pcap file of link type 147, USER0 (carrier-wire(7) §9). It makes bytes; where they
/// go is the caller's.
public enum CaptureWriter {
    /// Link type USER0: `version u8 ‖ direction u8 ‖ peer raw[32] ‖ frame`.
    public static let linkType: UInt32 = 147
    /// The version of that layout.
    public static let version: UInt8 = 1
    /// Bytes before the frame.
    static let prefixSize = 34
    /// The most bytes of one packet that libpcap and its tools accept. A longer frame is cut there; the packet keeps
    /// its true length.
    public static let packetLimit = 262_144

    /// The 24 bytes that begin the file.
    public static var fileHeader: ByteBuffer {
        var output = ByteBuffer()
        output.writeInteger(0xa1b2_c3d4, endianness: .little, as: UInt32.self)
        output.writeInteger(2, endianness: .little, as: UInt16.self)
        output.writeInteger(4, endianness: .little, as: UInt16.self)
        output.writeInteger(0, endianness: .little, as: UInt64.self)
        output.writeInteger(UInt32(packetLimit), endianness: .little)
        output.writeInteger(linkType, endianness: .little)
        return output
    }

    /// Appends one frame.
    ///
    /// - Parameters:
    ///   - frame: header and body, as on the wire.
    ///   - time: Unix time in microseconds.
    public static func write(
        frame: ByteBuffer, _ direction: CaptureRecord.Direction, peer: PeerID, time: UInt64,
        to output: inout ByteBuffer
    ) {
        let length = frame.readableBytes + prefixSize
        let captured = min(length, packetLimit)
        output.reserveCapacity(minimumWritableBytes: captured + 16)
        output.writeInteger(UInt32(truncatingIfNeeded: time / 1_000_000), endianness: .little)
        output.writeInteger(UInt32(time % 1_000_000), endianness: .little)
        output.writeInteger(UInt32(captured), endianness: .little)
        output.writeInteger(UInt32(clamping: length), endianness: .little)
        output.writeInteger(version)
        output.writeInteger(direction.rawValue)
        peer.bytes.withUnsafeBytes { _ = output.writeBytes($0) }
        var part = frame
        if let part = part.readSlice(length: captured - prefixSize) { output.writeImmutableBuffer(part) }
    }

    /// Appends one frame.
    ///
    /// - Parameter time: Unix time in microseconds.
    public static func write(
        _ frame: Frame, _ direction: CaptureRecord.Direction, peer: PeerID, time: UInt64, to output: inout ByteBuffer
    ) {
        var bytes = ByteBuffer()
        frame.encode(into: &bytes)
        write(frame: bytes, direction, peer: peer, time: time, to: &output)
    }
}
