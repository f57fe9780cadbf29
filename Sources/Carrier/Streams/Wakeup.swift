internal import Glibc

/// Wakes a thread that waits for it, alone or together with a file descriptor.
final class Wakeup: Sendable {
    private let reader: Int32
    private let writer: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        for end in ends where end >= 0 {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Wakes the thread, now or when it next waits.
    func signal() {
        var one: UInt8 = 1
        _ = write(writer, &one, 1)
    }

    /// Waits to be woken.
    func wait() { _ = wait(for: -1, 0) }

    /// Waits until the descriptor has something to read; false when it was woken instead.
    func waitForInput(_ other: Int32) -> Bool { wait(for: other, Int16(POLLIN)) }

    /// Waits until the descriptor has room; false when it was woken instead.
    func waitForRoom(_ other: Int32) -> Bool { wait(for: other, Int16(POLLOUT)) }

    private func wait(for other: Int32, _ events: Int16) -> Bool {
        // A descriptor below zero is passed over.
        var waits = [
            pollfd(fd: reader, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: events, revents: 0),
        ]
        // Without descriptors for it there is no waking: who waits looks for himself now and then.
        while poll(&waits, 2, reader < 0 ? 10 : -1) < 0, errno == EINTR {}
        if waits[0].revents != 0 {
            var bytes: UInt64 = 0
            _ = read(reader, &bytes, 8)
            return false
        }
        return waits[1].revents != 0
    }
}

/// Threads for work that blocks.
enum Threads {
    /// Starts a thread that ends with `body`.
    static func start(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
                box.body()
                return nil
            }, box.toOpaque())
        if status == 0 {
            pthread_detach(thread)
        } else {
            box.release()
        }
    }
}
