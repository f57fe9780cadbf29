internal import CarrierCrypto
internal import CarrierWire

/// One message on its way from this node: to whom each bucket's task was given and what came back.
struct Delegation: Sendable {
    enum State: Sendable {
        /// Sent, not acknowledged.
        case asking
        /// Acknowledged; where a report is wanted, it is still out.
        case acknowledged
        /// The report is in.
        case reported
        /// Nobody of the bucket answered.
        case failed
    }

    struct Branch: Sendable {
        let bucket: Int
        var delegate: PeerID?
        var state = State.asking
        var report: BroadcastDelegate.Report?
    }

    /// As it came to us: `hops` is ours.
    let message: Broadcast
    let id: Broadcast.ID
    /// Who gave it to us; nil for a message of our own.
    let sender: PeerID?
    /// The application's name for a message of our own.
    let ticket: Ticket?
    let began: Instant
    var branches: [Branch] = []
    /// Peers that have the message or have been asked to take it.
    var tried: Set<PeerID>
    private(set) var reached: UInt32
    private(set) var duplicates: UInt32 = 0
    private(set) var depth: UInt16
    /// When the reports are waited for no longer.
    var reportTimer: Ticket?
    /// Whether the application has been told that the message has left.
    var isSettled = false

    init(_ message: Broadcast, id: Broadcast.ID, from sender: PeerID?, ticket: Ticket?, now: Instant) {
        self.message = message
        self.id = id
        self.sender = sender
        self.ticket = ticket
        began = now
        reached = sender == nil ? 0 : 1
        depth = message.hops
        tried = [message.origin]
        if let sender { tried.insert(sender) }
    }

    var isAsking: Bool { branches.contains { $0.state == .asking } }
    var isWaitingForReports: Bool { message.wantsReport && branches.contains { $0.state == .acknowledged } }
    var acknowledged: Int { branches.count { $0.state == .acknowledged || $0.state == .reported } }

    /// Somebody gave us the message again.
    mutating func metAgain() { duplicates = duplicates.saturatingAdd(1) }

    /// The branch that this peer is the delegate of.
    func branch(of peer: PeerID) -> Int? { branches.firstIndex { $0.delegate == peer } }

    /// Adds what a delegate reports; once for each.
    mutating func add(_ report: BroadcastReport, from peer: PeerID) {
        guard let index = branch(of: peer), branches[index].state == .asking || branches[index].state == .acknowledged
        else { return }
        branches[index].state = .reported
        branches[index].report = BroadcastDelegate.Report(
            reached: Int(report.reached), duplicates: Int(report.duplicates), depth: Int(report.depth))
        reached = reached.saturatingAdd(report.reached)
        duplicates = duplicates.saturatingAdd(report.duplicates)
        depth = max(depth, report.depth)
    }

    /// The branches, for the application.
    var delegates: [BroadcastDelegate] {
        branches.map { branch in
            let isTaken = branch.state == .acknowledged || branch.state == .reported
            return BroadcastDelegate(
                bucket: branch.bucket, peer: isTaken ? branch.delegate : nil, report: branch.report)
        }
    }

    /// What we tell our sender.
    var report: BroadcastReport {
        BroadcastReport(id: id, reached: reached, duplicates: duplicates, depth: depth)
    }
}

extension UInt32 {
    /// The sum, held at the greatest value: what others report must not overflow.
    fileprivate func saturatingAdd(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
