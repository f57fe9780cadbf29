internal import CarrierProtocols

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

    /// Every limit, in the order of its names.
    var limitUses: [LimitUse] {
        let limits = configuration.limits
        func milliseconds(_ duration: Duration) -> Double { Double(duration.nanoseconds) / 1e6 }
        func most(_ value: (Connection) -> Int) -> Int { connections.values.map(value).max() ?? 0 }
        return LimitUse.Name.allCases.map { name in
            let (used, limit): (Int?, Double) =
                switch name {
                case .handshake: (nil, milliseconds(limits.handshake.deadline))
                case .halfOpen: (halfOpen.count, Double(limits.handshake.halfOpen))
                case .inbound: (inboundCount, Double(limits.connections.inbound))
                case .outbound: (outboundCount, Double(limits.connections.outbound))
                case .perSite: (nil, Double(limits.connections.perSite))
                case .newConnections: (nil, limits.connections.newPerSecond)
                case .dial: (nil, milliseconds(limits.dial.timeout))
                case .frame: (nil, milliseconds(limits.receive.frame))
                case .processing: (nil, milliseconds(limits.receive.processing))
                case .message: (nil, Double(limits.receive.message))
                case .forNothing: (nil, limits.receive.forNothing.perSecond)
                case .waiting: (most { $0.inbox.bytes }, Double(limits.receive.waiting))
                case .sendBuffer: (most { $0.session?.waitingBytes ?? 0 }, Double(limits.send.buffer))
                case .sendWait: (nil, milliseconds(limits.send.wait))
                case .sendFull: (nil, milliseconds(limits.send.full))
                case .requests: (most { $0.outstanding }, Double(limits.send.requests))
                case .request: (nil, milliseconds(limits.send.request))
                case .idle: (nil, milliseconds(limits.idle.drop))
                }
            return LimitUse(name: name, used: used, limit: limit, reached: reached(name))
        }
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
