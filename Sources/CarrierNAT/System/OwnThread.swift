internal import Glibc
internal import Synchronization

/// Runs blocking work on a thread of its own and answers within `limit`, whatever the work does.
///
/// Work that still hangs then is abandoned: its result is dropped, its thread ends when the work does. Not more than 16
/// threads exist at once, so that a gateway that makes every call hang costs a bounded number of them.
func onOwnThread<Value: Sendable>(
    limit: Duration, _ work: @escaping @Sendable (Patience) throws(NATError) -> Value
) async throws(NATError) -> Value {
    let slot = Slot<Value>()
    let patience = Patience(limit) { slot.isFilled }
    try Thread.start {
        do throws(NATError) {
            slot.fill(.success(try work(patience)))
        } catch {
            slot.fill(.failure(error))
        }
    }
    // A little more than the work knows of: work that watches its own clock names the reason better.
    async let _: Void = slot.expire(after: limit + .milliseconds(200))
    return try await slot.value().get()
}

/// A place for one result: what comes first stays.
private final class Slot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case awaited(CheckedContinuation<Result<Value, NATError>, Never>)
        case filled(Result<Value, NATError>)
    }

    private let state = Mutex(State.empty)

    var isFilled: Bool {
        state.withLock { state in
            if case .filled = state { true } else { false }
        }
    }

    func fill(_ result: Result<Value, NATError>) {
        let waiting: CheckedContinuation<Result<Value, NATError>, Never>? = state.withLock { state in
            switch state {
            case .filled: return nil
            case .empty:
                state = .filled(result)
                return nil
            case .awaited(let continuation):
                state = .filled(result)
                return continuation
            }
        }
        waiting?.resume(returning: result)
    }

    func value() async -> Result<Value, NATError> {
        await withCheckedContinuation { continuation in
            let ready: Result<Value, NATError>? = state.withLock { state in
                if case .filled(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    func expire(after limit: Duration) async {
        do {
            try await Task.sleep(for: limit)
            fill(.failure(.deadline))
        } catch {
            fill(.failure(.cancelled))
        }
    }
}

/// A detached thread of the system.
private enum Thread {
    private static let running = Mutex(0)

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ run: @escaping @Sendable () -> Void) throws(NATError) {
        let admitted = running.withLock { count in
            guard count < 16 else { return false }
            count += 1
            return true
        }
        guard admitted else { throw .network("too many calls to the gateway hang; wait a moment") }
        let body = Unmanaged.passRetained(
            Body {
                run()
                running.withLock { $0 -= 1 }
            })
        let code = create(body.toOpaque())
        if code != 0 {
            body.release()
            running.withLock { $0 -= 1 }
            throw .network("cannot start a thread: \(String(cString: strerror(code)))")
        }
    }

    private static func create(_ body: UnsafeMutableRawPointer) -> Int32 {
        withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
            guard let attributes = attributes.baseAddress else { return ENOMEM }
            pthread_attr_init(attributes)
            defer { pthread_attr_destroy(attributes) }
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            pthread_attr_setstacksize(attributes, 512 << 10)
            var thread = pthread_t()
            return pthread_create(&thread, attributes, main, body)
        }
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
        // Signals are for the threads that know what to do with them.
        withUnsafeTemporaryAllocation(of: sigset_t.self, capacity: 1) { all in
            guard let all = all.baseAddress else { return }
            sigfillset(all)
            pthread_sigmask(SIG_BLOCK, all, nil)
        }
        if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run() }
        return nil
    }
}
