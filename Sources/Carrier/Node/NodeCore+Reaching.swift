internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// A connection on its way, for messages of components: all that are for one peer wait for one attempt, each as long as it can.
final class Reaching {
    typealias Completion = (Result<Connection, DialError>) -> Void

    struct Waiter {
        let number: Int
        let timer: Scheduled<Void>
        let completion: Completion
    }

    fileprivate var attempt: DialAttempt?
    /// In the order in which they came: messages keep theirs.
    fileprivate var waiters: [Waiter] = []
    fileprivate var last = 0

    fileprivate func end(_ result: Result<Connection, DialError>) {
        let ended = waiters
        waiters = []
        for waiter in ended {
            waiter.timer.cancel()
            waiter.completion(result)
        }
    }
}

extension NodeCore {
    /// Makes a connection to a peer that components have a message for.
    ///
    /// A record may name sixteen addresses, and each may take a link and then say nothing: the limit is for them all.
    func reach(_ destination: Destination, within limit: Duration, completion: @escaping Reaching.Completion) {
        guard let first = destination.addresses.first else { return completion(.failure(.noAddress)) }
        let peer = destination.peer
        let running = reaching[peer]
        let reaching = running ?? Reaching()
        reaching.last += 1
        let number = reaching.last
        let timer = loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            guard let index = reaching.waiters.firstIndex(where: { $0.number == number }) else { return }
            let waiter = reaching.waiters.remove(at: index)
            self.note(.delivery)
            let error = DialError.timeout(first.pinned(to: peer), limit)
            if reaching.waiters.isEmpty { reaching.attempt?.cancel(error) }
            waiter.completion(.failure(error))
        }
        reaching.waiters.append(Reaching.Waiter(number: number, timer: timer, completion: completion))
        guard running == nil else { return }
        self.reaching[peer] = reaching
        reaching.attempt = dial(destination.addresses.map { $0.pinned(to: peer) }, isSpare: true) { result in
            self.reaching[peer] = nil
            reaching.attempt = nil
            reaching.end(result)
        }
    }
}
