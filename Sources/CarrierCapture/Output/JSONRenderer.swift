internal import CarrierCrypto
internal import CarrierWire
public import NIOCore

/// Writes records as JSON Lines, each with the keys that `carrier help json` lists.
public struct JSONRenderer: ~Copyable {
    /// Whether bodies are shown on their own, as `payload_b64` and `text`.
    public var showsPayload: Bool
    private var json = JSONBuffer()

    public init(showsPayload: Bool = false) { self.showsPayload = showsPayload }

    /// What was written and not yet taken, in bytes.
    public var pendingBytes: Int { json.count }

    /// Takes what was written.
    public mutating func take() -> ByteBuffer { json.take() }

    /// Gives what was written to `body` and forgets it, keeping the memory.
    public mutating func drain(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows { try json.drain(body) }

    /// Appends one line.
    public mutating func render(_ record: CaptureRecord) {
        json.beginObject()
        switch record.content {
        case .unit(let unit):
            json.key("type")
            json.plain("frame")
            json.key("n")
            json.number(unit.number)
            position(record)
            show(unit)
            if showsPayload { payload(unit, record) }
        case .gap(let reason):
            json.key("type")
            json.plain("gap")
            position(record)
            json.key("reason")
            json.string(reason)
        case .container(let what):
            json.key("type")
            json.plain("container")
            position(record)
            json.key("holds")
            json.plain(what)
        }
        if record.isDerived {
            json.key("derived")
            json.bool(true)
        }
        if let raw = record.raw {
            json.key("raw_b64")
            json.base64(raw)
        }
        json.endObject()
        json.endLine()
    }

    /// Appends the line that the record of a plain frame would give.
    public mutating func render(_ frame: PlainFrame) {
        let header = frame.header
        json.beginObject()
        json.key("type")
        json.plain("frame")
        json.key("n")
        json.number(UInt64(frame.number))
        json.key("offset")
        json.number(frame.offset)
        json.key("length")
        json.number(UInt64(frame.bytes.count))
        json.key("layer")
        json.plain("session")
        json.key("kind")
        json.plain(frame.kind)
        json.key("opcode")
        json.number(UInt64(header.opcode.rawValue))
        json.key("ok")
        json.bool(true)
        json.key("fields")
        json.beginObject()
        if header.nonce != 0 {
            json.key("nonce")
            json.number(UInt64(header.nonce))
        }
        if header.flags != 0 {
            json.key("flags")
            json.beginArray()
            for (bit, name) in Frame.Flags.names.enumerated() where header.flags >> bit & 1 == 1 { json.plain(name) }
            json.endArray()
        }
        json.key("bytes")
        json.number(UInt64(header.bodyLength))
        if let nonce = frame.acknowledgedNonce {
            json.key("acked_nonce")
            json.number(UInt64(nonce))
        }
        json.endObject()
        if showsPayload { payload(UnsafeRawBufferPointer(rebasing: frame.bytes.dropFirst(Frame.headerSize))) }
        json.key("raw_b64")
        json.base64(frame.bytes)
        json.endObject()
        json.endLine()
    }

    private mutating func position(_ record: CaptureRecord) {
        json.key("offset")
        json.number(record.offset)
        json.key("length")
        json.number(record.length)
        guard let stream = record.stream else { return }
        json.key("stream")
        json.number(stream.number)
        json.key("transport")
        json.plain(stream.transport.name)
        json.key("src")
        json.string(stream.source.description)
        json.key("dst")
        json.string(stream.destination.description)
        if let isFromInitiator = stream.isFromInitiator {
            json.key("from")
            if isFromInitiator { json.plain("initiator") } else { json.plain("responder") }
        }
    }

    private mutating func show(_ unit: CaptureRecord.Unit) {
        json.key("layer")
        json.string(unit.layer.rawValue)
        json.key("kind")
        json.string(unit.kind)
        if let header = unit.header {
            json.key("opcode")
            json.number(UInt64(header.opcode.rawValue))
            if let codec = Codec(rawValue: header.codec), codec != .bytes {
                json.key("codec")
                json.string(codec.description)
            }
        }
        if let direction = unit.direction {
            json.key("direction")
            if direction == .sent { json.plain("sent") } else { json.plain("received") }
        }
        if let peer = unit.peer {
            json.key("peer")
            peer.bytes.withUnsafeBytes { json.hex($0) }
        }
        json.key("ok")
        json.bool(unit.problem == nil)
        if let problem = unit.problem {
            json.key("problem")
            json.string(problem)
        }
        json.key("fields")
        json.object(unit.fields)
    }

    private mutating func payload(_ unit: CaptureRecord.Unit, _ record: CaptureRecord) {
        record.payload(of: unit)?.withUnsafeReadableBytes { payload($0) }
    }

    private mutating func payload(_ bytes: UnsafeRawBufferPointer) {
        json.key("payload_b64")
        json.base64(bytes)
        if let text = String(validating: bytes, as: UTF8.self) {
            json.key("text")
            json.string(text)
        }
    }
}

extension CaptureRecord {
    /// The body of a frame of this record.
    func payload(of unit: Unit) -> ByteBuffer? {
        guard unit.header != nil, let raw, raw.readableBytes >= Frame.headerSize else { return nil }
        return raw.getSlice(
            at: raw.readerIndex + Frame.headerSize, length: raw.readableBytes - Frame.headerSize)
    }
}
