internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// The frames of one connection that wait for a reply or an ack, by nonce. Bounded, and every one has its deadline.
struct RequestTable {
    /// Who is told the outcome.
    enum Waiter {
        case component(Int, Ticket)
        case call((Answer) -> Void)
        case task(UnsafeContinuation<Answer, any Error>)
    }

    private struct Entry {
        let wantsReply: Bool
        let limit: Duration
        let deadline: NIODeadline
        let waiter: Waiter
    }

    private var entries: [UInt32: Entry] = [:]
    private var lastNonce: UInt32 = 0
    /// Answers that nobody waited for.
    private(set) var unexpected: UInt64 = 0

    var count: Int { entries.count }

    /// Whether somebody waits under this nonce.
    func awaits(_ nonce: UInt32) -> Bool { entries[nonce] != nil }

    /// The next nonce: up from 1, never 0, none that still waits.
    mutating func nextNonce() -> UInt32 {
        repeat { lastNonce &+= 1 } while lastNonce == 0 || entries[lastNonce] != nil
        return lastNonce
    }

    /// Waits under a nonce of `nextNonce`.
    ///
    /// - Parameter limit: how long that is, for the error of a deadline that passes.
    mutating func add(
        _ nonce: UInt32, wantsReply: Bool, within limit: Duration, until deadline: NIODeadline, _ waiter: Waiter
    ) {
        entries[nonce] = Entry(wantsReply: wantsReply, limit: limit, deadline: deadline, waiter: waiter)
    }

    /// Who waits for the reply, or the ack, with this nonce; nobody for one that is late, doubled or made up.
    mutating func take(_ nonce: UInt32, isReply: Bool) -> Waiter? {
        guard let index = entries.index(forKey: nonce), entries.values[index].wantsReply == isReply else {
            unexpected &+= 1
            return nil
        }
        return entries.remove(at: index).value.waiter
    }

    /// Forgets the one with this nonce.
    mutating func giveUp(_ nonce: UInt32) -> Waiter? { entries.removeValue(forKey: nonce)?.waiter }

    /// When the next one is due.
    var nextDeadline: NIODeadline? { entries.values.lazy.map(\.deadline).min() }

    /// Those whose time is over.
    mutating func takeOverdue(at now: NIODeadline) -> [(Waiter, RequestError)] {
        let overdue = entries.filter { $0.value.deadline <= now }
        for nonce in overdue.keys { entries[nonce] = nil }
        return overdue.sorted { $0.key < $1.key }.map { ($0.value.waiter, .timeout($0.value.limit)) }
    }

    /// All, because the connection is over.
    mutating func takeAll() -> [Waiter] {
        defer { entries = [:] }
        return entries.sorted { $0.key < $1.key }.map(\.value.waiter)
    }
}
