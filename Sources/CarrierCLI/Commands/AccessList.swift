import Carrier
import CarrierCrypto

/// Who may come in.
struct AccessList: Sendable {
    private let allowed: Set<PeerID>?
    private let denied: Set<PeerID>

    init(allow: [String], deny: [String]) throws {
        allowed = allow.isEmpty ? nil : Set(try Self.read(allow))
        denied = Set(try Self.read(deny))
    }

    private static func read(_ entries: [String]) throws -> [PeerID] {
        try entries.flatMap { entry in
            let isFile = entry.hasPrefix("@")
            let words = isFile ? try TextFile.lines(of: String(entry.dropFirst())) : [entry]
            return try words.map { word in
                guard let id = PeerID(hex: word) else {
                    throw Failure(
                        isFile ? .data : .usage, target: isFile ? String(entry.dropFirst()) : nil,
                        "expected a peer id of 64 hex digits, got \"\(word)\"")
                }
                return id
            }
        }
    }

    func verdict(on peer: PeerID) -> NodeConfiguration.Verdict {
        if denied.contains(peer) { return .refused("this node turns you away") }
        if let allowed, !allowed.contains(peer) { return .refused("this node lets in others only") }
        return .welcome
    }
}
