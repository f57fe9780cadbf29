public import CarrierCrypto
internal import CarrierWire
public import NIOCore

/// Shows what is on the wire: reads frames, hex, base64, captures and its own JSON, from bytes that come in pieces, and
/// gives a record for each unit of the protocol, each gap and, where wanted, each part of the container.
///
/// It does no I/O of its own: it pulls its input from a closure, and gives a record as soon as its last byte was
/// pulled. Memory is bounded by the largest frame and the open TCP streams.
public struct CaptureDecoder {
    /// What to do and how far to go.
    public struct Options {
        /// The form of the input; nil to guess it from the first bytes.
        public var form: InputForm?
        /// The most bytes that a frame's body may have. Default 4 MiB.
        public var bodyLimit = Frame.defaultBodyLimit
        /// Whether signatures and puzzles are checked; tags always are, where keys are known.
        public var verifies = false
        /// What puzzles must be worth.
        public var difficulty = Puzzle.Difficulty()
        /// Whether container records are given: with them the input can be put together again.
        public var wantsContainers = true
        /// Whether the fields of units are wanted; counting goes faster without.
        public var wantsFields = true
        /// Finds the keys of the session whose first handshake message begins with these 32 bytes; asked again while it
        /// gives nil, since a key log may grow.
        public var keys: ((Bytes32) throws -> SessionKeys?)?

        public init() {}
    }

    /// How deep forms may nest: hex in JSON in hex and so on.
    private static let depthLimit = 8

    private let options: Options
    private let emitter: RecordEmitter

    /// - Parameters:
    ///   - plain: takes frames of a plain stream that need no record; nil to have records of them too.
    ///   - sink: takes each record as it is complete; its bytes are shared with the input's memory, so what is kept for
    ///     long is better copied.
    public init(
        _ options: Options = Options(), plain: ((PlainFrame) throws -> Void)? = nil,
        sink: @escaping (CaptureRecord) throws -> Void
    ) {
        self.options = options
        emitter = RecordEmitter(
            bodies: BodyDecoder(
                verifies: options.verifies, difficulty: options.difficulty, wantsFields: options.wantsFields),
            wantsContainers: options.wantsContainers, plain: plain, sink: sink)
    }

    /// Decodes one input to its end.
    ///
    /// - Parameter source: gives the next bytes, as many as there are; nil at the end.
    /// - Throws: what `source`, the key source or the sink throw; never for what the bytes are.
    public func decode(_ source: @escaping () throws -> ByteBuffer?) throws {
        try decode(source, as: options.form, depth: 0)
    }

    private func decode(_ source: @escaping () throws -> ByteBuffer?, as form: InputForm?, depth: Int) throws {
        let input = PeekedSource(source)
        let form = try form ?? input.guess()
        let isDerived = depth > 0
        switch form {
        case .frames: try frames(input, isDerived: isDerived)
        case .pcap: try capture(input, isDerived: isDerived)
        case .hex where depth < Self.depthLimit: try text(input, HexText(), "hex text", depth: depth)
        case .base64 where depth < Self.depthLimit: try text(input, Base64Text(), "base64 text", depth: depth)
        case .json where depth < Self.depthLimit: try text(input, RecordText(), "records", depth: depth)
        case .hex, .base64, .json: try frames(input, isDerived: isDerived)
        }
    }

    // MARK: Frames

    /// Plain frames, or one direction of a session as it was on the wire.
    private func frames(_ input: PeekedSource, isDerived: Bool) throws {
        let place = RecordEmitter.Place(isDerived: isDerived)
        if try input.beginsWithPreface() {
            let session = SessionDecoder([place], bodyLimit: options.bodyLimit, emitter: emitter, keys: options.keys)
            while let piece = try input.next() { try session.receive(piece, side: 0) }
            return try session.finish()
        }
        var scanner = FrameScanner(bodyLimit: options.bodyLimit)
        while let piece = try input.next() {
            scanner.feed(piece)
            while true {
                if !isDerived { try emitter.plainFrames(&scanner) }
                guard let item = scanner.next() else { break }
                try emitter.item(item, place)
            }
        }
        scanner.finish()
        while let item = scanner.next() { try emitter.item(item, place) }
    }

    // MARK: Text

    /// Text that spells bytes: the text is the container, the bytes are an input of their own.
    private func text(
        _ input: PeekedSource, _ stage: some TextStage, _ name: StaticString, depth: Int
    ) throws {
        var stage = stage
        var offset: UInt64 = 0
        var isAtEnd = false
        let emitter = emitter
        let source: () throws -> ByteBuffer? = {
            while !isAtEnd {
                var output = TextOutput()
                if let piece = try input.next() {
                    try emitter.container(name, offset, piece, isDerived: depth > 0)
                    offset += UInt64(piece.readableBytes)
                    stage.feed(piece, &output)
                } else {
                    isAtEnd = true
                    stage.finish(&output)
                }
                let place = RecordEmitter.Place(isDerived: true)
                for gap in output.gaps { try emitter.gap(gap.reason, gap.offset, gap.length, nil, place) }
                if output.bytes.readableBytes > 0 { return output.bytes }
            }
            return nil
        }
        try decode(source, as: nil, depth: depth + 1)
        // The form inside may end before the text does.
        while try source() != nil {}
    }

    // MARK: Captures

    private func capture(_ input: PeekedSource, isDerived: Bool) throws {
        var offset: UInt64 = 0
        var taken = ByteBuffer()
        let file: CaptureFile
        do {
            file = try CaptureFile(input.next, taken: &taken)
        } catch let error as CaptureFileError {
            input.putBack(taken)
            return try rest("\(error)", input.next, from: 0, isDerived: isDerived)
        }
        try emitter.container("capture header", 0, file.header, isDerived: isDerived)
        offset += UInt64(file.header.readableBytes)
        guard let link = PacketParser.Link(rawValue: file.linkType) else {
            return try rest(
                "link type \(file.linkType) is not supported", file.readOn, from: offset, isDerived: isDerived)
        }
        let connections = ConnectionTable(bodyLimit: options.bodyLimit, emitter: emitter, keys: options.keys)
        while true {
            let (packet, end) = file.next()
            if let error = file.sourceError { throw error }
            guard let packet else {
                try connections.finish()
                let left = file.takeRest()
                let reason =
                    switch end {
                    case .endOfFile: "end of the capture"
                    case .damaged(let reason): reason
                    }
                let place = RecordEmitter.Place(isDerived: isDerived)
                try emitter.gap(reason, offset, UInt64(left.readableBytes), left, place)
                return try rest(reason, file.readOn, from: offset + UInt64(left.readableBytes), isDerived: isDerived)
            }
            if link == .user0 {
                try recorded(packet, at: offset, isDerived: isDerived)
            } else {
                try emitter.container("packet", offset, packet.fileBytes, isDerived: isDerived)
                let isCut = packet.wireLength > packet.data.readableBytes
                if let payload = PacketParser.payload(of: packet.data, link: link, isCut: isCut) {
                    try connections.receive(payload)
                }
            }
            offset += UInt64(packet.fileBytes.readableBytes)
        }
    }

    /// What cannot be read is a gap to the end.
    private func rest(
        _ reason: String, _ source: () throws -> ByteBuffer?, from offset: UInt64, isDerived: Bool
    ) throws {
        var offset = offset
        let place = RecordEmitter.Place(isDerived: isDerived)
        while let piece = try source() {
            try emitter.gap(reason, offset, UInt64(piece.readableBytes), piece, place)
            offset += UInt64(piece.readableBytes)
        }
    }

    /// A packet of `--record`: a frame in the clear, and the bytes of the file around it.
    private func recorded(_ packet: CaptureFile.Packet, at offset: UInt64, isDerived: Bool) throws {
        let bytes = packet.fileBytes
        var data = packet.data
        var place = RecordEmitter.Place(isDerived: isDerived || packet.position == nil)
        let start = packet.position ?? 0
        guard
            let version: UInt8 = data.readInteger(), version == CaptureWriter.version,
            let direction: UInt8 = data.readInteger(), direction <= 1,
            let peer = Bytes32(data.readableBytesView.prefix(32))
        else {
            return try emitter.gap(
                "packet of no recording", offset, UInt64(bytes.readableBytes), bytes,
                RecordEmitter.Place(isDerived: isDerived))
        }
        data.moveReaderIndex(forwardBy: 32)
        place.direction = CaptureRecord.Direction(rawValue: direction)
        place.peer = PeerID(peer)
        let first = start + CaptureWriter.prefixSize
        if packet.position == nil {
            try emitter.container("packet", offset, bytes, isDerived: isDerived)
        } else {
            try part(of: bytes, 0, first, at: offset, isDerived: isDerived)
            place.base = offset + UInt64(first)
        }
        try recordedFrame(data, missing: packet.wireLength - packet.data.readableBytes, place)
        if packet.position != nil {
            let end = first + data.readableBytes
            try part(of: bytes, end, bytes.readableBytes - end, at: offset + UInt64(end), isDerived: isDerived)
        }
    }

    private func part(of bytes: ByteBuffer, _ start: Int, _ length: Int, at offset: UInt64, isDerived: Bool) throws {
        guard let part = bytes.getSlice(at: bytes.readerIndex + start, length: length) else { return }
        try emitter.container("packet", offset, part, isDerived: isDerived)
    }

    private func recordedFrame(_ data: ByteBuffer, missing: Int, _ place: RecordEmitter.Place) throws {
        if missing > 0, let header = FrameHeader(data), header.isValid(bodyLimit: options.bodyLimit),
            header.encodedSize == data.readableBytes + missing
        {
            let body = data.getSlice(
                at: data.readerIndex + Frame.headerSize, length: data.readableBytes - Frame.headerSize)
            return try emitter.frame(
                header, body ?? ByteBuffer(), data, offset: 0,
                problem: "the capture holds \(data.readableBytes) of \(header.encodedSize) bytes", place)
        }
        var scanner = FrameScanner(bodyLimit: options.bodyLimit)
        scanner.feed(data)
        scanner.finish()
        while let item = scanner.next() { try emitter.item(item, place) }
    }
}
