import CarrierProtocols
import CarrierWire
import NIOCore
import Synchronization
import Testing

@testable import Carrier

/// Asks one peer, several times at once, at the start.
private struct Asking: Component {
    let name = "asking"
    let destination: Destination
    let limit: Duration
    let count: UInt64
    let answers: AsyncStream<(Ticket, Answer)>.Continuation

    mutating func started(_ context: inout Context) {
        for number in 1...count {
            let frame = Frame(TestNode.opcode, body: ByteBuffer())
            context.perform(.send(frame, to: destination, .reply(Ticket(number), within: limit)))
        }
    }

    mutating func answered(_ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context) {
        answers.yield((ticket, answer))
    }
}

@Suite("Peers whose addresses take a link and say nothing", .timeLimit(.minutes(1)))
struct SilentPeerTests {
    @Test("row 31: what a component asks of one ends in its time, however many addresses there are, on one dial")
    func oneDialOneTime() async throws {
        let silent = try (0..<8).map { _ in try ListeningSocket(backlog: 16) }
        let (answers, continuation) = AsyncStream.makeStream(of: (Ticket, Answer).self)
        let peer = try TestIdentity.make().peerID
        let asking = Asking(
            destination: Destination(peer, dialling: silent.map(\.address)), limit: .milliseconds(300), count: 3,
            answers: continuation)
        let configuration = try NodePair.configuration { $0.limits.dial.delivery = .milliseconds(500) }
        let start = ContinuousClock.now
        try await Node.run(configuration, components: [asking]) { node in
            try await Task.sleep(for: .milliseconds(100))
            #expect(await node.with { $0.attempts.count } == 1)
            var tickets: [Ticket] = []
            for await (ticket, answer) in answers {
                guard case .failed(.timeout) = answer else {
                    Issue.record("expected a timeout, got \(answer)")
                    break
                }
                tickets.append(ticket)
                if tickets.count == 3 { break }
            }
            #expect(tickets == [Ticket(1), Ticket(2), Ticket(3)])
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(await node.with { $0.attempts.isEmpty && $0.reaching.isEmpty })
            #expect(await node.limits.first { $0.name == .delivery }?.reached == 3)
        }
        withExtendedLifetime(silent) {}
    }
}
