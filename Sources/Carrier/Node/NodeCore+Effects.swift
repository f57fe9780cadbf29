internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import CoreMetrics
internal import Logging
internal import NIOCore

extension NodeCore {
    /// Gives a message to the components, then to the application.
    func receive(_ frame: Frame, from connection: Connection) {
        if frame.opcode == .proxyRequest, relay.takes(frame, from: connection) { return }
        let reception = host.receive(Inbound(peer: connection.peer, frame: frame))
        if reception == .unrouted, !isForApplication(frame.opcode) {
            return connection.fail(
                .unregisteredOpcode, "expected a registered opcode, got \(frame.opcode.rawValue)")
        }
        statistics.frames += 1
        noteReceived(frame.opcode, over: connection)
        if reception != .claimed, isForApplication(frame.opcode) {
            if let lane = lanes[ObjectIdentifier(connection)], lane.receives(frame.opcode) {
                lane.receive(frame)
            } else {
                observer(.message(connection, frame))
            }
        }
        connection.acknowledge(frame)
    }

    private func isForApplication(_ opcode: Opcode) -> Bool {
        if opcode == .bytes { return true }
        return opcode.isApplication && (configuration.acceptsUnregistered || applicationOpcodes.contains(opcode))
    }

    func answered(component: Int, _ ticket: Ticket, by peer: PeerID, _ answer: Answer) {
        tick()
        host.answered(component: component, ticket, by: peer, answer)
        carryOutWork()
    }

    /// Carries out what components want done, until they want nothing more.
    func carryOutWork() {
        // Carrying out may bring events that make more work: that work is done by the outermost call.
        guard !isCarryingOut else { return }
        isCarryingOut = true
        var work: [ComponentHost.Work] = []
        swap(&work, &reusedWork)
        defer {
            isCarryingOut = false
            swap(&work, &reusedWork)
        }
        while true {
            host.takeWork(into: &work)
            if work.isEmpty { return }
            for index in work.indices { carryOut(work[index].effect, for: work[index].component) }
        }
    }

    private func carryOut(_ effect: Effect, for component: Int) {
        switch effect {
        case .send(let frame, let destination, let expectation):
            send(frame, to: destination, expectation, for: component)
        case .disconnect(let peer, let reason, let text):
            connections[peer]?.close(reason, text)
        case .dial(let address, let isSpare, let ticket):
            dial([address], isSpare: isSpare) { [self] result in
                tick()
                host.dialled(
                    component: component, ticket, result.map(\.info).mapError(\.asRequestError))
                carryOutWork()
            }
        case .check(let address, let ticket):
            check(address) { [weak self] result in
                guard let self else { return }
                tick()
                host.dialled(component: component, ticket, result.mapError(\.asRequestError))
                carryOutWork()
            }
        case .relay(let effect): relay.perform(effect)
        case .schedule(let ticket, let at):
            schedule(ticket, at: at, for: component)
        case .cancel(let ticket):
            timers.removeValue(forKey: TimerKey(component: component, ticket: ticket))?.cancel()
        case .deliver(let notice):
            deliver(notice)
        case .penalise(let peer, let text):
            log.warning("\(peer.short) misbehaved: \(text)")
            statistics.penalties += 1
            meters.penalties.increment()
            connections[peer]?.penalise(text)
        case .reached(let limit): note(limit)
        case .log(let level, let text):
            log.log(level: level, "\(host.name(of: component)): \(text)")
        }
    }

    private func send(_ frame: Frame, to destination: Destination, _ expectation: Expectation, for component: Int) {
        if let connection = connections[destination.peer] {
            return send(frame, over: connection, expectation, for: component)
        }
        guard !isStopping else {
            return failed(expectation, destination.peer, DialError.shuttingDown.asRequestError, for: component)
        }
        guard !destination.addresses.isEmpty else {
            return failed(expectation, destination.peer, .unreachable("not connected"), for: component)
        }
        let began = loop.now
        reach(destination, within: patience(expectation)) { [self] result in
            switch result {
            case .success(let connection):
                let left = expectation.shortened(to: patience(expectation) - Duration(loop.now - began))
                send(frame, over: connection, left, for: component)
            case .failure(.timeout(_, let limit)):
                failed(expectation, destination.peer, .timeout(limit), for: component)
            case .failure(let error):
                failed(expectation, destination.peer, error.asRequestError, for: component)
            }
            carryOutWork()
        }
    }

    /// How long a message may take with the connection that must be made for it first.
    private func patience(_ expectation: Expectation) -> Duration {
        switch expectation {
        case .nothing: configuration.limits.dial.timeout
        case .reply(_, let limit), .ack(_, let limit): max(limit, configuration.limits.dial.delivery)
        }
    }

    private func send(_ frame: Frame, over connection: Connection, _ expectation: Expectation, for component: Int) {
        noteSent(frame.opcode, over: connection)
        if frame.opcode == .reachabilityRequest { expectCallback(of: connection.peer) }
        switch expectation {
        case .nothing:
            connection.send(frame)
        case .reply(let ticket, let limit):
            connection.send(frame, wantsReply: true, within: limit, .component(component, ticket))
        case .ack(let ticket, let limit):
            connection.send(frame, wantsReply: false, within: limit, .component(component, ticket))
        }
    }

    private func failed(_ expectation: Expectation, _ peer: PeerID, _ error: RequestError, for component: Int) {
        switch expectation {
        case .nothing: break
        case .reply(let ticket, _), .ack(let ticket, _):
            tick()
            host.answered(component: component, ticket, by: peer, .failed(error))
        }
    }

    private func schedule(_ ticket: Ticket, at instant: Instant, for component: Int) {
        // A timer holds the node.
        guard !isStopping else { return }
        let key = TimerKey(component: component, ticket: ticket)
        timers.removeValue(forKey: key)?.cancel()
        timers[key] = loop.assumeIsolated().scheduleTask(deadline: NIODeadline(instant)) { [self] in
            timers[key] = nil
            tick()
            host.fired(component: component, ticket)
            carryOutWork()
        }
    }
}
