internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// Reads what a frame's body says, for each of carrier's own messages and for an application's.
struct BodyDecoder {
    /// Whether signatures are checked: about 70 µs each.
    var verifies = false
    /// What puzzles must be worth.
    var difficulty = Puzzle.Difficulty()
    /// Whether fields are looked at; without them only what is wrong with a body counts.
    var wantsFields = true

    /// Whether a message's body may be any bytes.
    private static func isOpaque(_ opcode: Opcode) -> Bool {
        opcode == .bytes || opcode == .ping || opcode == .pong || opcode.isApplication
    }

    /// What became of a body.
    struct Outcome {
        var fields: [Field] = []
        /// What is wrong with the body; nil where nothing is.
        var problem: String?
        /// Whether a signature or a puzzle was checked and found wanting.
        var failsCheck = false
    }

    /// Whether the body reads as its opcode says. Bodies that may be any bytes always do.
    func isReadable(_ header: FrameHeader, _ body: ByteBuffer) -> Bool {
        guard header.codec == 0, let decode = Self.decoders[header.opcode.rawValue] else {
            return header.opcode.isApplication
        }
        do {
            _ = try decode(body, self)
            return true
        } catch {
            return false
        }
    }

    /// The fields of a frame with this header and body.
    func decode(_ header: FrameHeader, _ body: ByteBuffer) -> Outcome {
        var outcome = Outcome()
        // Most bytes of a stream are in bodies that may be anything: nothing to check, nothing to allocate.
        if !wantsFields && header.codec == 0 && Self.isOpaque(header.opcode) { return outcome }
        outcome.fields.reserveCapacity(4)
        if header.nonce != 0 { outcome.fields.append(Field("nonce", .count(UInt64(header.nonce)))) }
        if header.flags != 0 { outcome.fields.append(Field("flags", Self.flags(header.flags))) }
        outcome.fields.append(Field("bytes", .count(UInt64(body.readableBytes))))
        if header.opcode.isApplication {
            if let codec = Codec(rawValue: header.codec) { show(body, as: codec, in: &outcome) }
            return outcome
        }
        guard let decode = Self.decoders[header.opcode.rawValue] else {
            outcome.problem = "opcode at offset 4: expected one of carrier's or 1000 up, got \(header.opcode.rawValue)"
            return outcome
        }
        guard header.codec == 0 else {
            outcome.problem = "codec at offset 9: expected 0 for a message of carrier's own, got \(header.codec)"
            return outcome
        }
        do {
            let message = try decode(body, self)
            outcome.fields += message.fields
            outcome.problem = message.problem
            outcome.failsCheck = message.failsCheck
        } catch {
            outcome.problem = error.description
        }
        return outcome
    }

    /// An application's body by its codec.
    private func show(_ body: ByteBuffer, as codec: Codec, in outcome: inout Outcome) {
        do {
            switch codec {
            case .bytes: return
            case .msgpack:
                outcome.fields.append(Field("msgpack", .json(try Self.msgpack(body))))
            case .protobuf:
                var json = JSONBuffer()
                try ProtobufJSON.write(body, to: &json)
                outcome.fields.append(Field("protobuf", .json(json.take())))
            }
        } catch {
            outcome.problem = error.description
        }
    }

    private static func msgpack(_ body: ByteBuffer) throws(WireError) -> ByteBuffer {
        do throws(WireError) {
            return ByteBuffer(string: try MsgpackValue(msgpack: body).json)
        } catch {
            throw WireError("msgpack \(error.field)", at: error.offset, error.problem)
        }
    }

    private static let flagValues: [FieldValue] = (0..<16).map { flags in
        .list(Frame.Flags.names.enumerated().filter { flags >> $0.offset & 1 == 1 }.map { .text("\($0.element)") })
    }

    private static func flags(_ flags: UInt8) -> FieldValue { flagValues[Int(flags & 15)] }

    private typealias Decoder = @Sendable (ByteBuffer, BodyDecoder) throws(WireError) -> Outcome

    private static func decoder<M: BuiltInMessage>(
        _: M.Type, _ show: @escaping @Sendable (M, BodyDecoder, inout Outcome) -> Void
    ) -> Decoder {
        { body, decoder throws(WireError) in
            var outcome = Outcome()
            show(try M(fields: body), decoder, &outcome)
            return outcome
        }
    }

    /// Each message of carrier's own, by opcode.
    private static let decoders: [UInt32: Decoder] = [
        Opcode.bytes.rawValue: { _, _ throws(WireError) in Outcome() },
        Opcode.ping.rawValue: { _, _ throws(WireError) in Outcome() },
        Opcode.pong.rawValue: { _, _ throws(WireError) in Outcome() },
        Opcode.keepalive.rawValue: decoder(Keepalive.self) { _, _, _ in },
        Opcode.keepaliveResponse.rawValue: decoder(KeepaliveResponse.self) { _, _, _ in },
        Opcode.proxyRequest.rawValue: decoder(ProxyRequest.self) { message, _, outcome in
            outcome.fields = [Field("kind", .count(message.kind)), Field("ticket", .hex(message.ticket))]
        },
        Opcode.proxyResponse.rawValue: decoder(ProxyResponse.self) { message, _, outcome in
            outcome.fields = [
                Field("status", .count(message.status)), Field("public_address", .text(message.publicAddress)),
                Field("ticket", .hex(message.ticket)),
            ]
        },
        Opcode.lookupNodeRequest.rawValue: decoder(LookupNodeRequest.self) { message, _, outcome in
            outcome.fields = [
                Field("target", .hex(message.target.bytes.array)), Field("count", .count(message.count)),
            ]
        },
        Opcode.lookupNodeResponse.rawValue: decoder(LookupNodeResponse.self) { message, decoder, outcome in
            let records = message.records.map { decoder.describe($0, in: &outcome) }
            outcome.fields = [Field("records", .list(records))]
        },
        Opcode.disconnect.rawValue: decoder(Disconnect.self) { message, _, outcome in
            outcome.fields = [
                Field("reason", .count(message.reason.rawValue)),
                Field("reason_name", .text(message.reason.description)), Field("text", .text(message.text)),
            ]
        },
        Opcode.metricRequest.rawValue: decoder(MetricRequest.self) { message, _, outcome in
            outcome.fields = [
                Field("sent_at_ns", .count(message.sentAt)), Field("data_bytes", .count(message.data.readableBytes)),
            ]
        },
        Opcode.metricResponse.rawValue: decoder(MetricResponse.self) { message, _, outcome in
            outcome.fields = [
                Field("sent_at_ns", .count(message.sentAt)), Field("data_bytes", .count(message.data.readableBytes)),
            ]
        },
        Opcode.ackResponse.rawValue: decoder(AckResponse.self) { message, _, outcome in
            outcome.fields = [Field("acked_nonce", .count(message.nonce))]
        },
        Opcode.broadcast.rawValue: decoder(Broadcast.self) { message, decoder, outcome in
            decoder.describe(message, in: &outcome)
        },
        Opcode.broadcastReport.rawValue: decoder(BroadcastReport.self) { message, _, outcome in
            outcome.fields = [
                Field("id", .text(message.id.description)), Field("reached", .count(message.reached)),
                Field("duplicates", .count(message.duplicates)), Field("depth", .count(message.depth)),
            ]
        },
        Opcode.reachabilityRequest.rawValue: decoder(ReachabilityRequest.self) { message, _, outcome in
            outcome.fields = [Field("address", .text(message.address))]
        },
        Opcode.reachabilityResponse.rawValue: decoder(ReachabilityResponse.self) { message, _, outcome in
            outcome.fields = [Field("status", .count(message.status)), Field("text", .text(message.text))]
        },
        Opcode.broadcastDigest.rawValue: decoder(BroadcastDigest.self) { message, _, outcome in
            outcome.fields = [Field("ids", .list(message.ids.map { .text($0.description) }))]
        },
        Opcode.broadcastWant.rawValue: decoder(BroadcastWant.self) { message, _, outcome in
            outcome.fields = [Field("ids", .list(message.ids.map { .text($0.description) }))]
        },
    ]

    /// A peer record with its checks.
    private func describe(_ record: PeerRecord, in outcome: inout Outcome) -> FieldValue {
        let nodeID = record.peer.nodeID
        let staticBits = Puzzle.staticBits(of: nodeID)
        let dynamicBits = Puzzle.dynamicBits(of: nodeID, nonce: record.puzzleNonce)
        let isSolved = staticBits >= difficulty.staticBits && dynamicBits >= difficulty.dynamicBits
        var fields = [
            Field("peer", .hex(record.peer.bytes.array)), Field("node_id", .hex(nodeID.bytes.array)),
            Field("puzzle_nonce", .hex(record.puzzleNonce.array)), Field("sequence", .count(record.sequence)),
            Field("addresses", .list(record.addresses.map { .text($0) })),
            Field("static_bits", .count(staticBits)), Field("dynamic_bits", .count(dynamicBits)),
            Field("puzzles_ok", .bool(isSolved)),
        ]
        if verifies {
            let isValid = record.isSignatureValid
            fields.append(Field("signature_ok", .bool(isValid)))
            if !isSolved { fail("record of \(record.peer.short): puzzles not solved", in: &outcome) }
            if !isValid { fail("record of \(record.peer.short): signature does not fit", in: &outcome) }
        }
        return .object(fields)
    }

    private func describe(_ message: Broadcast, in outcome: inout Outcome) {
        outcome.fields = [
            Field("origin", .hex(message.origin.bytes.array)), Field("id", .text(message.id.description)),
            Field("sequence", .count(message.sequence)), Field("message_opcode", .count(message.message.rawValue)),
            Field("message_codec", .text(message.codec.description)),
            Field("message_bytes", .count(message.body.readableBytes)), Field("height", .count(message.height)),
            Field("hops", .count(message.hops)), Field("wants_report", .bool(message.wantsReport)),
        ]
        show(message.body, as: message.codec, in: &outcome)
        if verifies {
            let isValid = message.isSignatureValid
            outcome.fields.append(Field("signature_ok", .bool(isValid)))
            if !isValid { fail("broadcast: signature does not fit its origin", in: &outcome) }
        }
    }

    private func fail(_ text: String, in outcome: inout Outcome) {
        outcome.failsCheck = true
        if outcome.problem == nil { outcome.problem = text }
    }
}

extension Frame.Flags {
    /// What the bits are called, from the lowest on.
    static let names: [StaticString] = ["request", "reply", "needs-ack", "end-of-stream"]
}
