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
        /// No ack came in time. The message may arrive yet, and the report with it.
        case silent
        /// The message could not be sent, or the connection broke.
        case failed
    }

    /// One peer that was asked to take a branch on.
    struct Task: Sendable {
        /// Which of the branches.
        let branch: Int
        let peer: PeerID
        var state = State.asking
        var report: BroadcastDelegate.Report?

        /// Whether the peer has the message and said so.
        var isTaken: Bool { state == .acknowledged || state == .reported }
    }

    /// Tells it from any other delegation, of the same message, too.
    let number: UInt64
    /// As it came to us: `hops` is ours.
    let message: Broadcast
    let id: Broadcast.ID
    /// Who gave it to us; nil for a message of our own.
    let sender: PeerID?
    /// The application's name for a message of our own.
    let ticket: Ticket?
    let began: Instant
    /// The bucket of each branch: β times each bucket that has anybody.
    var branches: [Int] = []
    /// All that were asked, in order.
    var tasks: [Task] = []
    /// Peers that have the message or have been asked to take it.
    var tried: Set<PeerID>
    private(set) var reached: UInt32
    private(set) var duplicates: UInt32 = 0
    private(set) var depth: UInt16
    /// When the reports are waited for no longer.
    var reportTimer: Ticket?
    /// Whether the application has been told that the message has left.
    var isSettled = false
    /// Whether whoever wanted a report has it.
    var hasReported = false

    init(_ message: Broadcast, id: Broadcast.ID, number: UInt64, from sender: PeerID?, ticket: Ticket?, now: Instant) {
        self.message = message
        self.id = id
        self.number = number
        self.sender = sender
        self.ticket = ticket
        began = now
        reached = sender == nil ? 0 : 1
        depth = message.hops
        tried = [message.origin]
        if let sender { tried.insert(sender) }
    }

    var isAsking: Bool { tasks.contains { $0.state == .asking } }
    var isWaitingForReports: Bool { message.wantsReport && tasks.contains { $0.state == .acknowledged } }
    /// Whether nothing is missing in the sums: everybody who may have the message has reported.
    var isComplete: Bool { tasks.allSatisfy { $0.state == .reported || $0.state == .failed } }
    /// How many branches somebody has taken on.
    var acknowledged: Int { branches.indices.count { branch in tasks.contains { $0.branch == branch && $0.isTaken } } }

    /// Whether somebody has taken a branch on, or may yet.
    func isInHands(_ branch: Int) -> Bool {
        tasks.contains { $0.branch == branch && ($0.isTaken || $0.state == .asking) }
    }

    /// Somebody gave us the message again who counts no reports.
    mutating func metAgain() { duplicates = duplicates.saturatingAdd(1) }

    /// Adds what a peer reports that was asked, at any time; once for each.
    ///
    /// - Parameter limit: the most nodes that it is believed.
    mutating func add(_ report: BroadcastReport, from peer: PeerID, limit: UInt32) {
        guard let index = tasks.firstIndex(where: { $0.peer == peer && $0.state != .reported }) else { return }
        let (reached, duplicates) = (min(report.reached, limit), min(report.duplicates, limit))
        // Each hop goes to a lower bucket than the one before.
        let deepest = UInt16(clamping: Int(message.hops) + 1 + branches[tasks[index].branch])
        let depth = min(report.depth, deepest)
        tasks[index].state = .reported
        tasks[index].report = BroadcastDelegate.Report(
            reached: Int(reached), duplicates: Int(duplicates), depth: Int(depth))
        self.reached = self.reached.saturatingAdd(reached)
        self.duplicates = self.duplicates.saturatingAdd(duplicates)
        self.depth = max(self.depth, depth)
    }

    /// Who took each branch on, for the application; a branch that nobody took has one entry without a peer.
    var delegates: [BroadcastDelegate] {
        branches.indices.flatMap { branch in
            let taken = tasks.filter { $0.branch == branch && $0.isTaken }
            guard !taken.isEmpty else {
                return [BroadcastDelegate(bucket: branches[branch], peer: nil, report: nil)]
            }
            return taken.map { BroadcastDelegate(bucket: branches[branch], peer: $0.peer, report: $0.report) }
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
