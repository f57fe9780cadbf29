internal import CPcap
internal import Glibc
internal import NIOCore

/// Reads packets of a pcap or pcapng file through libpcap, from any source of bytes: a pipe that still grows too.
///
/// libpcap reads a `FILE`, so the source is dressed up as one. What its buffer still holds has not been taken: the rest
/// is exactly what belongs to the packets that libpcap gave.
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

    /// Opens a capture.
    ///
    /// - Parameter taken: what was pulled from the source when it is no capture.
    /// - Throws: `CaptureFileError`, or what the source threw.
    init(_ source: @escaping () throws -> ByteBuffer?, taken: inout ByteBuffer) throws {
        stream = Stream(source)
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        let functions = carrier_stream_functions(read: Stream.read, write: nil, seek: nil, close: nil)
        // The stream outlives the handle that reads from it: both end with this object.
        let cookie = Unmanaged.passUnretained(stream).toOpaque()
        guard let file = carrier_stream_open(cookie, "r", functions) else {
            throw CaptureFileError(reason: "no memory for a stream")
        }
        stream.file = file
        guard let opened = pcap_fopen_offline(file, &message) else {
            stream.file = nil
            fclose(file)
            if let error = stream.error { throw error }
            taken = stream.takeAll()
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
    func takeRest() -> ByteBuffer {
        stream.file = nil
        return stream.takeLog()
    }

    /// What the source still has.
    func readOn() throws -> ByteBuffer? { try stream.readOn() }

    /// Where a packet lies in its part of the file: at its end in pcap; in pcapng behind the header of the last block,
    /// whose length stands in the last four bytes too.
    private static func position(of packet: UnsafeRawBufferPointer, in fileBytes: ByteBuffer) -> Int? {
        func isThere(_ position: Int) -> Bool {
            guard position >= 0, position <= fileBytes.readableBytes - packet.count else { return false }
            return packet.isEmpty
                || fileBytes.withUnsafeReadableBytes { raw in
                    guard let place = raw[position...].baseAddress(of: packet.count), let base = packet.baseAddress
                    else {
                        return false
                    }
                    return memcmp(place, base, packet.count) == 0
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
        /// Bytes in front of what waits that are carried along, because letting go of them costs a copy.
        private static let takenLimit = 64 << 10

        private let source: () throws -> ByteBuffer?
        private var piece = ByteBuffer()
        private var log = ByteBuffer()
        private(set) var error: (any Error)?
        /// The stream that reads from here; nil once it does no more.
        var file: UnsafeMutablePointer<FILE>?

        init(_ source: @escaping () throws -> ByteBuffer?) { self.source = source }

        /// What was read from the stream since the last time: all that was pulled but what waits in its buffer.
        func takeLog() -> ByteBuffer {
            let waiting = min(file.map { carrier_stream_waiting($0) } ?? 0, log.readableBytes)
            let taken = log.readSlice(length: log.readableBytes - waiting) ?? ByteBuffer()
            if waiting == 0 {
                log = ByteBuffer()
            } else if log.readerIndex > Self.takenLimit {
                log.discardReadBytes()
            }
            return taken
        }

        /// What was pulled, whether it was read or not.
        func takeAll() -> ByteBuffer {
            var all = takeLog()
            all.writeBuffer(&piece)
            return all
        }

        func readOn() throws -> ByteBuffer? {
            if let error { throw error }
            file = nil
            if log.readableBytes > 0 { return takeLog() }
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

extension Slice<UnsafeRawBufferPointer> {
    /// Where the slice begins; nil unless it has so many bytes.
    fileprivate func baseAddress(of count: Int) -> UnsafeRawPointer? {
        self.count >= count ? UnsafeRawBufferPointer(rebasing: self).baseAddress : nil
    }
}
