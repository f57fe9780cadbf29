public import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// How a byte stream is spliced.
public struct SpliceOptions: Sendable {
    /// Where the bytes to send come from; nil sends none.
    public var input: Int32?
    /// Where received bytes go; nil drops them.
    public var output: Int32?
    /// Whether the output is closed at the end of the stream, so that a child process sees its end. Default no.
    public var closesOutput = false
    /// Called right before that, on a thread of the splice's own.
    package var willCloseOutput: (@Sendable () -> Void)?
    /// Whether the splice is over as soon as the peer has acknowledged the last byte. Default no.
    public var endsWhenSent = false
    /// Whether the splice is over as soon as the peer has ended its stream, even if the input is open. Default yes.
    public var endsWithPeer = true
    /// Whether an input that ends without a byte leaves this direction open until the peer ends its own: a listener whose stdin
    /// is /dev/null has nothing to say, and its silence must not end the dialler's transfer. Default no.
    public var staysOpenWithoutInput = false
    /// How long to go on receiving after the input ended; nil for as long as the peer sends. Default nil.
    public var linger: Duration?
    /// How long the output may take nothing of what has come and is not written yet when the connection ends; nil for as long
    /// as it likes. A child process that hangs would otherwise stay for ever. Default nil.
    public var drain: Duration?

    /// Joins the stream to these descriptors; nil for a direction that is not used.
    public init(input: Int32?, output: Int32?) {
        self.input = input
        self.output = output
    }
}

/// How a splice ended.
public struct SpliceResult: Sendable {
    /// Why.
    public enum End: Sendable {
        /// What was asked for happened: both directions ended, or the one that counts.
        case complete
        /// The connection ended in the middle: data may be short.
        case lost(DisconnectCause)
        /// Reading the input failed: `errno`.
        case inputFailed(Int32)
        /// Writing the output failed: `errno`.
        case outputFailed(Int32)
    }

    /// Why it is over.
    public var end: End
    /// Payload bytes.
    public var sent: UInt64
    /// Bytes that came.
    public var received: UInt64
    /// Those of them that were not written.
    public var unwritten: UInt64
}

/// Joins the byte stream of a connection to file descriptors, with back-pressure both ways. Confined to the node's loop.
final class StreamSplice: StreamConsumer {
    /// Payload bytes of a full frame: with its header, a full record.
    static let frameBody = RecordSealer.fullRecord - Frame.headerSize

    private let connection: Connection
    private let options: SpliceOptions
    private var input: StreamInput?
    private var output: StreamOutput?
    private var chunk: ByteBuffer?
    /// What came and is not in the output yet: frames that come together are written together.
    private var gathered: [ByteBuffer] = []
    private var completion: ((SpliceResult) -> Void)?

    private var sent: UInt64 = 0
    private var received: UInt64 = 0
    private var isPumping = false
    private var pumpsLater = false
    private var inputEnded = false
    private var endSent = false
    private var endAcknowledged = false
    private var peerEnded = false
    private var endFrame: Frame?
    private var lingering: Scheduled<Void>?
    private var quietCheck: Scheduled<Void>?
    /// What had been sent when the input was last seen to give nothing.
    private var sentWhenQuiet: UInt64?
    private var lostCause: DisconnectCause?

    init(_ connection: Connection, _ options: SpliceOptions, completion: @escaping (SpliceResult) -> Void) {
        self.connection = connection
        self.options = options
        self.completion = completion
    }

    func start() {
        let loop = connection.node.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        if let descriptor = options.output {
            output = StreamOutput(
                descriptor: descriptor, closesAtEnd: options.closesOutput, willClose: options.willCloseOutput
            ) {
                loop.execute { bound.value.outputChanged() }
            }
        }
        if let descriptor = options.input {
            input = StreamInput(descriptor: descriptor) { loop.execute { bound.value.pump() } }
        } else {
            inputEnded = true
            if !options.staysOpenWithoutInput { sendEnd() }
        }
        connection.attach(self)
    }

    // MARK: Sending

    func streamCanSend() { pump() }

    /// Frames sealed together: what the system takes in one go.
    private static let framesAtOnce = 2

    /// Frames after which others that use the loop have their turn.
    private static let framesInTurn = 32

    /// Sends what was read while the link takes it.
    private func pump() {
        // Who hears that there is room while this fills it has nothing to add.
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        var frames = 0
        while completion != nil, !inputEnded, connection.makesWay() {
            if frames >= Self.framesInTurn { return pumpLater() }
            frames += Self.framesAtOnce
            for _ in 0..<Self.framesAtOnce {
                guard let next = nextPiece() else { break }
                sent &+= UInt64(next.readableBytes)
                connection.send(Frame(.bytes, body: next))
            }
            guard let session = connection.session, session.waitingBytes > 0 else { break }
            session.flush()
        }
        if completion != nil, inputEnded, !endSent { inputDidEnd() }
    }

    private func pumpLater() {
        guard !pumpsLater else { return }
        pumpsLater = true
        let bound = NIOLoopBound(self, eventLoop: connection.node.loop)
        connection.node.loop.execute {
            bound.value.pumpsLater = false
            bound.value.pump()
        }
    }

    /// The next frame's worth of input; nil when there is none now.
    private func nextPiece() -> ByteBuffer? {
        guard hasInput(), let left = chunk?.readableBytes else { return nil }
        return chunk?.readSlice(length: min(left, Self.frameBody))
    }

    /// Whether there is input that was not sent; takes it, unless some is left.
    private func hasInput() -> Bool {
        if chunk?.readableBytes ?? 0 > 0 { return true }
        // All of the chunk has been sealed by now, so that its memory can be used again.
        if let chunk { input?.recycle(chunk) }
        chunk = nil
        guard !inputEnded else { return false }
        switch input?.take() {
        case .bytes(let buffer):
            chunk = buffer
            return true
        case .end: inputEnded = true
        case .failed(let code):
            inputEnded = true
            end(.inputFailed(code))
        case nil: break
        }
        return false
    }

    private func inputDidEnd() {
        if options.staysOpenWithoutInput, sent == 0, !peerEnded { return }
        sendEnd()
        if let linger = options.linger {
            lingering = connection.node.loop.assumeIsolated().scheduleTask(in: TimeAmount(linger)) { [weak self] in
                self?.end(.complete)
            }
        }
        settle()
    }

    private func sendEnd() {
        guard !endSent else { return }
        endSent = true
        // The ack says that the peer has handed everything to its consumer, however long that takes: a peer that does not
        // live any more ends the connection.
        connection.send(
            Frame(.bytes, flags: .endOfStream), wantsReply: false, within: .seconds(60 * 60 * 24 * 365),
            .call { [weak self] answer in
                guard case .acknowledged = answer else { return }
                self?.endAcknowledged = true
                self?.settle()
            })
    }

    // MARK: Receiving

    func streamDidReceive(_ frame: Frame) {
        guard !peerEnded else {
            return connection.fail(.protocolError, "expected no more bytes after the end of the stream")
        }
        received &+= UInt64(frame.body.readableBytes)
        if output != nil, frame.body.readableBytes > 0 { gather(frame.body) }
        if frame.flags.contains(.endOfStream) {
            peerEnded = true
            endFrame = frame
            settle()
        } else {
            connection.acknowledge(frame)
        }
    }

    /// Pieces that are written together at most.
    private static let piecesAtOnce = 32

    private func gather(_ piece: ByteBuffer) {
        gathered.append(piece)
        if gathered.count >= Self.piecesAtOnce { return writeGathered() }
        guard gathered.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: connection.node.loop)
        connection.node.loop.execute { bound.value.writeGathered() }
    }

    private func writeGathered() {
        guard let output, !gathered.isEmpty else { return }
        if !output.write(gathered) { connection.setHold(.stream, true) }
        gathered.removeAll(keepingCapacity: true)
    }

    private func outputChanged() {
        guard completion != nil, let output else { return }
        if output.failure != 0 { return end(.outputFailed(output.failure)) }
        if output.hasRoom { connection.setHold(.stream, false) }
        settle()
    }

    func streamDidClose(_ cause: DisconnectCause) {
        lostCause = cause
        settle()
        guard completion != nil, let limit = options.drain else { return }
        drain(limit, cause)
    }

    /// Gives the output as long again each time that it has taken something.
    private func drain(_ limit: Duration, _ cause: DisconnectCause) {
        guard let before = output?.left else { return }
        lingering?.cancel()
        lingering = connection.node.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [weak self] in
            guard let self, let output else { return }
            if output.left < before { drain(limit, cause) } else { end(.lost(cause)) }
        }
    }

    // MARK: Ending

    /// Looks whether it is over.
    private func settle() {
        guard completion != nil else { return }
        writeGathered()
        if options.endsWhenSent, endAcknowledged { return end(.complete) }
        if let lostCause {
            guard output?.isWritten() ?? true else { return }
            // An orderly good-bye after the peer's last byte is success, whatever this side still had to say.
            let isComplete = peerEnded && lostCause.isOrderly
            return end(isComplete ? .complete : .lost(lostCause))
        }
        guard peerEnded, output?.isWritten() ?? true else { return }
        if let endFrame {
            connection.acknowledge(endFrame)
            self.endFrame = nil
            output?.finish()
        }
        if options.endsWhenSent { return }
        if options.staysOpenWithoutInput, inputEnded { sendEnd() }
        if endSent { return endAcknowledged ? end(.complete) : awaitAcknowledgement() }
        if options.endsWithPeer, !isStillSending() {
            guard completion != nil else { return }
            sendEnd()
            end(.complete)
        }
    }

    /// How long the input must have given nothing before an end by the peer counts.
    private static let quiet: TimeAmount = .milliseconds(200)

    /// Whether the input still flows although the peer has ended its stream: what flows is sent to its end, so that two files can
    /// cross; an input that is merely open, a terminal say, ends with the peer.
    private func isStillSending() -> Bool {
        if sentWhenQuiet == sent, !hasMore { return false }
        guard quietCheck == nil else { return true }
        let before = sent
        quietCheck = connection.node.loop.assumeIsolated().scheduleTask(in: Self.quiet) { [weak self] in
            self?.quietCheck = nil
            self?.sentWhenQuiet = before
            self?.pump()
            self?.settle()
        }
        return true
    }

    /// Whether there is something to send, however quiet it is: the rest of a file, what the link has no room for.
    private var hasMore: Bool { input?.isFile == true || !connection.makesWay() || hasInput() }

    /// Both directions have ended; the peer has not said yet that its consumer has everything. One that never says so is
    /// waited for as long as for any reply.
    private func awaitAcknowledgement() {
        guard lingering == nil else { return }
        let limit = connection.node.configuration.limits.send.request
        lingering = connection.node.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [weak self] in
            self?.end(.complete)
        }
    }

    private func end(_ end: SpliceResult.End) {
        guard let completion else { return }
        self.completion = nil
        writeGathered()
        lingering?.cancel()
        quietCheck?.cancel()
        input?.stop()
        input = nil
        if case .complete = end {} else { output?.stop() }
        output?.finish()
        let unwritten = UInt64(output?.unwritten ?? 0)
        // It calls back here: kept, both would stay for ever.
        output = nil
        connection.setHold(.stream, false)
        completion(SpliceResult(end: end, sent: sent, received: received, unwritten: unwritten))
    }

    /// Gives up, because its task was cancelled.
    func cancel() { end(.lost(.local(.shutdown, "cancelled"))) }
}
