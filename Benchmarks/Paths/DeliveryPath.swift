internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// Requests given to the component of their opcode, which answers each.
struct DeliveryPath {
    private static let batch = 64

    private struct Answerer: Component {
        let opcodes = [Opcode(1000)]

        mutating func receive(_ message: Inbound, _ context: inout Context) -> Bool {
            let reply = Frame(message.opcode, flags: .reply, nonce: message.frame.nonce, body: message.frame.body)
            context.send(reply, to: Destination(message.peer))
            return true
        }
    }

    func deliver(_ count: Int, _ counted: Bool) throws {
        let (own, other) = (try Members.member(0), try Members.member(1))
        var host = try ComponentHost(
            [PingResponder(), PeerMetrics(), Answerer()],
            context: Context(
                now: Instant(nanoseconds: 0), unixMicroseconds: 0, random: SystemRandom(), own: own.record))
        let frame = Frame(Opcode(1000), flags: .request, nonce: 1, body: ByteBuffer(repeating: 7, count: 64))
        var (work, answers): ([ComponentHost.Work], Int) = ([], 0)
        run(counted) {
            for index in 1...count {
                _ = host.receive(Inbound(peer: other.peer, frame: frame))
                if index % Self.batch == 0 {
                    host.takeWork(into: &work)
                    answers += work.count
                }
            }
        }
        precondition(answers == count / Self.batch * Self.batch, "not every request was answered")
    }
}
