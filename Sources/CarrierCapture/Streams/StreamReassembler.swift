internal import NIOCore

/// Puts one direction of a TCP connection back in order: out of order, overlapping, retransmitted and lost segments.
///
/// Bytes that came first stand. A hole is lost when the other side has acknowledged what lies behind it and a few more
/// packets have come, when too much waits behind it, or at the end; before that it may still be filled.
struct StreamReassembler {
    enum Event {
        /// The payload of one segment, or what is new of it.
        case data(ByteBuffer)
        /// So many bytes are not in the capture.
        case lost(UInt64)
    }

    /// The most bytes and segments that wait behind a hole.
    static let waitingLimit = 1 << 20
    static let segmentLimit = 1024
    /// How many packets may come after the acknowledgement of a hole: a capture may show packets slightly out of order.
    static let patience = 8

    private struct Waiting {
        var sequence: UInt32
        var bytes: ByteBuffer
    }

    /// The sequence number of the next byte; nil before the first segment.
    private(set) var next: UInt32?
    private var waiting: [Waiting] = []
    private(set) var waitingBytes = 0
    private var acknowledged: UInt32?
    private var packetsBehindHole = 0
    private var end: UInt32?

    /// Whether every byte up to the FIN has been given out.
    var isFinished: Bool { end != nil && end == next }

    /// Begins behind a SYN with this sequence number.
    mutating func synchronise(_ sequence: UInt32) {
        if next == nil { next = sequence &+ 1 }
    }

    /// Whether a SYN with this sequence number belongs to another connection than the bytes so far.
    func differs(fromStart sequence: UInt32, delivered: UInt64) -> Bool {
        guard let next else { return false }
        return next &- UInt32(truncatingIfNeeded: delivered) != sequence &+ 1
    }

    /// Takes a segment's payload, and whether it is the last.
    mutating func receive(_ sequence: UInt32, _ payload: ByteBuffer, isLast: Bool, _ emit: (Event) -> Void) {
        if isLast && end == nil { end = sequence &+ UInt32(truncatingIfNeeded: payload.readableBytes) }
        guard payload.readableBytes > 0 else { return }
        let expected = next ?? sequence
        next = expected
        let distance = Int(Int32(bitPattern: sequence &- expected))
        if distance <= 0 {
            deliver(payload, skipping: -distance, emit)
            drain(emit)
        } else {
            insert(Waiting(sequence: sequence, bytes: payload), distance)
            packetsBehindHole += 1
            giveUpIfDue(emit)
        }
    }

    /// Notes what the other side has received.
    mutating func acknowledge(_ number: UInt32, _ emit: (Event) -> Void) {
        if let acknowledged, Int32(bitPattern: number &- acknowledged) <= 0 { return }
        acknowledged = number
        giveUpIfDue(emit)
    }

    /// Gives out all that waits, with its holes.
    mutating func flush(_ emit: (Event) -> Void) {
        while !waiting.isEmpty { giveUp(emit) }
    }

    private mutating func deliver(_ payload: ByteBuffer, skipping count: Int, _ emit: (Event) -> Void) {
        var payload = payload
        guard count < payload.readableBytes else { return }
        payload.moveReaderIndex(forwardBy: count)
        next = next.map { $0 &+ UInt32(truncatingIfNeeded: payload.readableBytes) }
        packetsBehindHole = 0
        emit(.data(payload))
    }

    private mutating func drain(_ emit: (Event) -> Void) {
        while let first = waiting.first, let next {
            let distance = Int(Int32(bitPattern: first.sequence &- next))
            guard distance <= 0 else { return }
            waiting.removeFirst()
            waitingBytes -= first.bytes.readableBytes
            deliver(first.bytes, skipping: -distance, emit)
        }
    }

    private mutating func insert(_ segment: Waiting, _ distance: Int) {
        guard let next else { return }
        var index = waiting.count
        while index > 0, Int(Int32(bitPattern: waiting[index - 1].sequence &- next)) > distance { index -= 1 }
        if index > 0, waiting[index - 1].sequence == segment.sequence,
            waiting[index - 1].bytes.readableBytes >= segment.bytes.readableBytes
        {
            return
        }
        // A copy of its own: a slice would keep a packet of any size alive for its sake.
        let copy = ByteBuffer(bytes: segment.bytes.readableBytesView)
        waiting.insert(Waiting(sequence: segment.sequence, bytes: copy), at: index)
        waitingBytes += copy.readableBytes
    }

    private mutating func giveUpIfDue(_ emit: (Event) -> Void) {
        while let first = waiting.first {
            let isFull = waitingBytes > Self.waitingLimit || waiting.count > Self.segmentLimit
            let isAcknowledged =
                acknowledged.map { Int32(bitPattern: $0 &- first.sequence) >= 0 } ?? false
            guard isFull || (isAcknowledged && packetsBehindHole >= Self.patience) else { return }
            giveUp(emit)
        }
    }

    private mutating func giveUp(_ emit: (Event) -> Void) {
        guard let first = waiting.first, let current = next else { return }
        emit(.lost(UInt64(first.sequence &- current)))
        next = first.sequence
        drain(emit)
    }
}
