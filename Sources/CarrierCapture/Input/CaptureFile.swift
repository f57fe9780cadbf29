internal import CPcap
internal import Glibc
internal import NIOCore

/// Reads packets of a pcap or pcapng file through libpcap, from any source of bytes: a pipe that still grows too.
///
/// libpcap reads a `FILE`, so the source is dressed up as one. It is not buffered: what libpcap has taken is exactly
/// what belongs to the packets it gave.
final class CaptureFile {
    /// A packet and the bytes of the file that brought it.
    struct Packet {
        /// All bytes of the file since the last packet.
        let fileBytes: ByteBuffer
        /// Where the packet begins in `fileBytes`; nil when it is not there as it stands.
        let position: Int?
        let data: ByteBuffer
        /// How long the packet was on the wire; more than `data` has where a snap length cut it.
        let wireLength: Int
    }

    /// Why there are no more packets.
    enum End {
        case endOfFile
        /// The file is damaged here; libpcap's own words.
        case damaged(String)
    }

    private let stream: Stream
    private let handle: OpaquePointer
    /// The link type of all packets, as libpcap numbers it.
    let linkType: Int32
    /// The bytes before the first packet.
    private(set) var header: ByteBuffer

    /// Opens a capture; on failure `rest` of the source can still be read from `taken`.
    init(_ source: @escaping () throws -> ByteBuffer?, taken: inout ByteBuffer) throws(CaptureFileError) {
        stream = Stream(source)
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        let functions = carrier_stream_functions(read: Stream.read, write: nil, seek: nil, close: nil)
        // The stream outlives the handle that reads from it: both end with this object.
        let cookie = Unmanaged.passUnretained(stream).toOpaque()
        guard let file = carrier_stream_open(cookie, "r", functions) else {
            throw CaptureFileError(reason: "no memory for a stream")
        }
        setvbuf(file, nil, _IONBF, 0)
        guard let opened = pcap_fopen_offline(file, &message) else {
            fclose(file)
            taken = stream.takeLog()
            throw CaptureFileError(reason: Self.text(message))
        }
        handle = opened
        linkType = pcap_datalink(opened)
        header = stream.takeLog()
    }

    deinit { pcap_close(handle) }

    /// The error that the source threw, if it did.
    var sourceError: (any Error)? { stream.error }

    private static func text(_ message: [CChar]) -> String {
        String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The next packet, or why there is none.
    func next() -> (packet: Packet?, end: End) {
        var info: UnsafeMutablePointer<pcap_pkthdr>?
        var bytes: UnsafePointer<UInt8>?
        let status = pcap_next_ex(handle, &info, &bytes)
        guard status == 1, let info, let bytes else {
            guard status == -1, let reason = pcap_geterr(handle) else { return (nil, .endOfFile) }
            return (nil, .damaged(String(cString: reason)))
        }
        let count = Int(info.pointee.caplen)
        let fileBytes = stream.takeLog()
        let data = UnsafeRawBufferPointer(start: bytes, count: count)
        let position = Self.position(of: data, in: fileBytes)
        let packet =
            position.flatMap { fileBytes.getSlice(at: fileBytes.readerIndex + $0, length: count) }
            ?? ByteBuffer(bytes: data)
        return (
            Packet(fileBytes: fileBytes, position: position, data: packet, wireLength: Int(info.pointee.len)),
            .endOfFile
        )
    }

    /// Bytes that libpcap took and made no packet of.
    func takeRest() -> ByteBuffer { stream.takeLog() }

    /// What the source still has.
    func readOn() throws -> ByteBuffer? { try stream.readOn() }

    /// Where a packet lies in its part of the file: at its end in pcap; in pcapng behind the header of the last block,
    /// whose length stands in the last four bytes too.
    private static func position(of packet: UnsafeRawBufferPointer, in fileBytes: ByteBuffer) -> Int? {
        func isThere(_ position: Int) -> Bool {
            guard position >= 0, position <= fileBytes.readableBytes - packet.count else { return false }
            return packet.isEmpty
                || fileBytes.withUnsafeReadableBytes { raw in
                    raw[position...].prefix(packet.count).elementsEqual(packet)
                }
        }
        let end = fileBytes.readableBytes
        for endianness in [Endianness.little, .big] {
            guard
                let length: UInt32 = fileBytes.getInteger(at: fileBytes.writerIndex - 4, endianness: endianness)
            else { break }
            let block = end - Int(length)
            guard block >= 0, length >= 16,
                let type: UInt32 = fileBytes.getInteger(at: fileBytes.readerIndex + block, endianness: endianness),
                let again: UInt32 = fileBytes.getInteger(at: fileBytes.readerIndex + block + 4, endianness: endianness),
                again == length
            else { continue }
            // Enhanced and obsolete packet blocks, and simple ones.
            let position = block + (type == 3 ? 12 : 28)
            if type == 6 || type == 2 || type == 3, isThere(position) { return position }
        }
        return isThere(end - packet.count) ? end - packet.count : nil
    }

    /// A source of bytes as a `FILE` sees it; it remembers what was taken.
    private final class Stream {
        private let source: () throws -> ByteBuffer?
        private var piece = ByteBuffer()
        private var log = ByteBuffer()
        private(set) var error: (any Error)?

        init(_ source: @escaping () throws -> ByteBuffer?) { self.source = source }

        func takeLog() -> ByteBuffer {
            defer { log = ByteBuffer() }
            return log
        }

        func readOn() throws -> ByteBuffer? {
            if let error { throw error }
            if piece.readableBytes > 0 {
                defer { piece = ByteBuffer() }
                return piece
            }
            return try source()
        }

        private func fill(_ room: UnsafeMutableRawBufferPointer) -> Int {
            while piece.readableBytes == 0 {
                do {
                    guard let next = try source() else { return 0 }
                    piece = next
                } catch {
                    self.error = error
                    return -1
                }
            }
            guard let part = piece.readSlice(length: min(room.count, piece.readableBytes)) else { return 0 }
            log.writeImmutableBuffer(part)
            part.withUnsafeReadableBytes { room.copyMemory(from: $0) }
            return part.readableBytes
        }

        static let read: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, Int) -> Int = {
            cookie, buffer, size in
            guard let cookie, let buffer else { return -1 }
            let stream = Unmanaged<Stream>.fromOpaque(cookie).takeUnretainedValue()
            return stream.fill(UnsafeMutableRawBufferPointer(start: buffer, count: size))
        }
    }
}

/// A file that libpcap cannot open.
struct CaptureFileError: Error, CustomStringConvertible {
    let reason: String
    var description: String { "expected a pcap or pcapng file, got: \(reason)" }
}
