internal import CarrierCrypto
internal import CarrierWire
internal import Logging

extension Discovery {
    /// What a lookup answer leaves for records in one datagram: 1200 bytes without headers and tag.
    private static let datagramBody = 1200 - 16 - 16 - 13

    /// Answers a lookup request with the nearest live contacts that may be told to the asker.
    mutating func answer(_ inbound: Inbound, _ context: inout Context) throws(WireError) {
        guard inbound.isRequest else {
            context.perform(.penalise(inbound.peer, "a lookup that is not sent as a request"))
            return
        }
        let request = try LookupNodeRequest(fields: inbound.frame.body)
        guard answerLimits.take(inbound.peer, now: context.now) else {
            context.reached(.lookupsAnswered)
            context.log(.debug, "lookup of \(inbound.peer.short) left unanswered: over its rate")
            return
        }
        let link = context.peers[inbound.peer]?.address
        let reach = link.map(Reach.init(linkTo:)) ?? .loopback
        let asker = inbound.peer
        let contacts = context.contacts.closest(
            to: request.target, count: min(Int(request.count), LookupNodeResponse.recordLimit)
        ) { contact in
            contact.peer != asker && (contact.verified.tellable ?? .loopback) >= reach
                && contact.verified.tellable != nil
        }
        var records = contacts.map(\.record)
        if link?.scheme == .udp { Self.cut(&records, to: Self.datagramBody) }
        context.reply(to: inbound, with: LookupNodeResponse(records: records))
    }

    /// Leaves as many records as fit.
    private static func cut(_ records: inout [PeerRecord], to size: Int) {
        var left = size - 2
        var count = 0
        for record in records {
            left -= 32 + 32 + 8 + 2 + Ed25519.signatureSize + record.addresses.reduce(0) { $0 + 4 + $1.utf8.count }
            if left < 0 { break }
            count += 1
        }
        records.removeLast(records.count - count)
    }

    /// What is left of a lookup answer once it is cleaned: too many, ourselves, the teller, doubles, poisoned addresses,
    /// weak puzzles and bad signatures are dropped; a bad signature costs the teller something.
    mutating func clean(
        _ records: [PeerRecord], count: Int, from teller: PeerID, _ reach: Reach, _ context: inout Context
    ) -> [VerifiedRecord] {
        var seen: Set<PeerID> = [context.own.peer, teller]
        var clean: [VerifiedRecord] = []
        for record in records.prefix(count) where seen.insert(record.peer).inserted {
            guard let verified = known(record, context) ?? configuration.verifier.verify(record) else {
                context.perform(.penalise(teller, "told a record of \(record.peer.short) that does not hold"))
                continue
            }
            guard verified.isUsable(toldAt: reach) else { continue }
            // What we know to be newer stands in for what is stale.
            let contact = context.contacts.contact(verified.nodeID)
            if let contact, contact.record.sequence > record.sequence {
                clean.append(contact.verified)
            } else {
                clean.append(verified)
            }
        }
        return clean
    }

    /// Where a peer stands, to judge what it tells.
    func reach(of peer: PeerID, otherwise: Reach, _ context: Context) -> Reach {
        context.peers[peer].map { Reach(linkTo: $0.address) } ?? otherwise
    }
}
