internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// A second session of a peer for which somebody waits at a door: its first frame says whether it comes to fetch that, or is a
/// connection like others. Confined to the node's loop.
final class CircuitCandidate: SessionLinkOwner {
    enum Outcome {
        /// It claims the circuit of this ticket.
        case claim([UInt8])
        /// It wants something else; nil: it has said nothing for a while.
        case other(Frame?)
        case gone
    }

    /// How long the first frame may take.
    private static let patience: TimeAmount = .seconds(2)

    private let session: SessionLink
    private var completion: ((Outcome) -> Void)?
    private var timer: Scheduled<Void>?

    init(_ session: SessionLink, _ loop: any EventLoop, completion: @escaping (Outcome) -> Void) {
        self.session = session
        self.completion = completion
        session.owner = self
        timer = loop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in self?.end(.other(nil)) }
    }

    /// The ticket of a message that claims a circuit; nil for anything else.
    static func ticket(in frame: Frame) -> [UInt8]? {
        guard frame.opcode == .proxyRequest, let request = try? ProxyRequest(fields: frame.body),
            request.kind == ProxyRequest.claimCircuit
        else { return nil }
        return request.ticket
    }

    func session(_ session: SessionLink, didReceive frame: Frame) {
        end(Self.ticket(in: frame).map { .claim($0) } ?? .other(frame))
    }

    func session(_ session: SessionLink, didClose cause: SessionEnd) { end(.gone) }
    func sessionDidOpen(_ session: SessionLink) {}
    func sessionWillRead(_ session: SessionLink) {}
    func sessionDidReadAll(_ session: SessionLink) {}
    func sessionDidFlush(_ session: SessionLink) {}
    func sessionDidDrain(_ session: SessionLink) {}

    private func end(_ outcome: Outcome) {
        let completion = completion
        self.completion = nil
        timer?.cancel()
        completion?(outcome)
    }
}
