internal import CarrierProtocols
internal import CarrierWire

extension NodeCore {
    /// A limit was reached.
    func note(_ limit: LimitUse.Name) { environment.limitCounts.note(limit) }

    /// The limit, if any, that ended a connection.
    func noteLimit(behind cause: DisconnectCause) {
        guard case .local(let reason, _) = cause else { return }
        switch reason {
        case .receiveTimeout: note(.frame)
        case .messageTooLarge: note(.message)
        case .idleTimeout: note(.idle)
        case .sendBufferFull: note(.sendFull)
        default: break
        }
    }

    /// What has been counted, the connections that stand included.
    var statisticsNow: NodeStatistics {
        var now = statistics
        now.componentFailures &+= host.failures
        for connection in connections.values {
            now.bytesIn &+= connection.bytesIn
            now.bytesOut &+= connection.bytesOut
        }
        return now
    }

    /// Every limit, in the order of the names: those of connections, then those of the components.
    var limitUses: [LimitUse] {
        let order = Dictionary(uniqueKeysWithValues: zip(LimitUse.Name.allCases, 0...))
        return (ownLimitUses + host.limits).map { use in
            var use = use
            use.reached = reached(use.name)
            return use
        }.sorted { order[$0.name, default: 0] < order[$1.name, default: 0] }
    }

    private var ownLimitUses: [LimitUse] {
        let limits = configuration.limits
        func most(_ value: (Connection) -> Int) -> Int { connections.values.map(value).max() ?? 0 }
        let rate = TokenBucket.Rate(
            perSecond: limits.connections.newPerSecond, burst: Double(limits.connections.newBurst))
        return [
            LimitUse(.handshake, limits.handshake.deadline),
            LimitUse(.handshakeMessage, StreamHandshake.messageLimit),
            LimitUse(.halfOpen, used: halfOpen.count, limits.handshake.halfOpen),
            LimitUse(.inbound, used: inboundCount, limits.connections.inbound),
            LimitUse(.outbound, used: outboundCount, limits.connections.outbound),
            LimitUse(.spare, used: spareCount, limits.connections.spare), LimitUse(.rest, limits.connections.rest),
            LimitUse(.perSite, limits.connections.perSite), LimitUse(.newConnections, rate),
            LimitUse(.dial, limits.dial.timeout), LimitUse(.delivery, limits.dial.delivery),
            LimitUse(.frame, limits.receive.frame),
            LimitUse(.processing, limits.receive.processing), LimitUse(.message, limits.receive.message),
            LimitUse(.depth, MsgpackValue.depthLimit), LimitUse(.forNothing, limits.receive.forNothing),
            LimitUse(.waiting, used: most { $0.inbox.bytes }, limits.receive.waiting),
            LimitUse(.events, limits.receive.events), LimitUse(.eventBytes, limits.receive.eventBytes),
            LimitUse(.sendBuffer, used: most { $0.session?.waitingBytes ?? 0 }, limits.send.buffer),
            LimitUse(.sendWait, limits.send.wait), LimitUse(.sendFull, limits.send.full),
            LimitUse(.requests, used: most { $0.outstanding }, limits.send.requests),
            LimitUse(.request, limits.send.request), LimitUse(.keepalive, limits.idle.keepalive ?? .zero),
            LimitUse(.idle, limits.idle.drop),
            LimitUse(.records, used: most { $0.session?.recordsUnderKey ?? 0 }, Int(RecordSealer.rekeyInterval)),
        ]
    }

    private func reached(_ name: LimitUse.Name) -> UInt64 {
        switch name {
        case .perSite: admission.refused.many
        case .newConnections: admission.refused.fast
        case .processing: statistics.componentFailures &+ host.failures
        default: environment.limitCounts[name]
        }
    }
}
