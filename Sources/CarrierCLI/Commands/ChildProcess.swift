import Carrier
import Glibc
import Synchronization

/// A shell command whose stdin and stdout are pipes to this process.
final class ChildProcess: Sendable {
    /// How long a child may go on after its streams ended, from when it last read something of what came before.
    static let grace: Duration = .seconds(2)

    private struct Pipe: ~Copyable {
        /// The pipe to the child's stdin, held without being one of its ends: to see what lies in it.
        var path: Int32
        /// An end to read from, once nobody writes any more; without one, what lies in it goes with the child.
        var end: Int32 = -1
    }

    private let pid: pid_t
    private let pipe: Mutex<Pipe>
    /// `O_PATH`, which the system's header hides.
    private static let pathOnly: Int32 = 0o10_000_000
    /// Writes to the child's stdin; whoever writes to the end closes it.
    let input: Int32
    /// Reads the child's stdout.
    let output: Int32

    /// Starts `/bin/sh -c COMMAND`, in a process group of its own, with these variables on top of ours.
    init(running command: String, environment: [String: String]) throws {
        let toChild = try Self.makePipe()
        // Who waits to write can be told to stop, whoever holds the other end.
        _ = fcntl(toChild[1], F_SETFL, O_NONBLOCK)
        let fromChild: [Int32]
        do { fromChild = try Self.makePipe() } catch {
            for end in toChild { close(end) }
            throw error
        }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
        var defaults = sigset_t()
        sigfillset(&defaults)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        posix_spawnattr_setsigmask(&attributes, &unblocked)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let inherited = Environment.inherited(without: Set(environment.keys))
        let added = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let arguments = Self.strings(["/bin/sh", "-c", command])
        let variables = Self.strings(inherited + added)
        defer { for text in arguments + variables { free(text) } }
        let path = open("/proc/self/fd/\(toChild[0])", Self.pathOnly | O_CLOEXEC)
        Descriptors.keepFromChildren()
        var child: pid_t = 0
        let status = posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, variables)
        close(toChild[0])
        close(fromChild[1])
        guard status == 0 else {
            for end in [toChild[1], fromChild[0], path] { close(end) }
            throw Self.failure("/bin/sh", status)
        }
        pid = child
        pipe = Mutex(Pipe(path: path))
        input = toChild[1]
        output = fromChild[0]
    }

    private static func makePipe() throws -> [Int32] {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw failure("a pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return ends
    }

    /// Copies for C, with a null at the end.
    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var copies: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        copies.append(nil)
        return copies
    }

    private static func failure(_ what: String, _ code: Int32) -> Failure {
        Failure(.bug, "cannot start \(what): \(Descriptors.reason(code))")
    }

    /// Keeps what lies in the pipe to the child's stdin: called when nobody writes to it any more and before that end is closed.
    func keepPipe() {
        pipe.withLock { pipe in
            if pipe.path >= 0, pipe.end < 0 { pipe.end = Self.reader(of: pipe) }
        }
    }

    private static func reader(of pipe: borrowing Pipe) -> Int32 {
        open("/proc/self/fd/\(pipe.path)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }

    /// Bytes that came and that the child has not read yet.
    private var unread: Int {
        pipe.withLock { pipe in
            let end = pipe.end < 0 ? Self.reader(of: pipe) : pipe.end
            defer { if pipe.end < 0 { close(end) } }
            return StreamDescriptor.unread(end)
        }
    }

    /// Drops what the child has written: who reads slowly may have much to say yet, and must not die of that.
    private func dropOutput() {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { room in
            for _ in 0..<16 where read(output, room.baseAddress, room.count) <= 0 { return }
        }
    }

    private func closePipes() {
        close(output)
        pipe.withLock { pipe in
            close(pipe.path)
            if pipe.end >= 0 { close(pipe.end) }
            pipe = Pipe(path: -1)
        }
    }

    /// Waits for the child to end; two seconds after it last read something tells it to, and ends it after two more. Where the
    /// task is cancelled, ends it at once.
    ///
    /// - Returns: how many bytes it left unread when it ended or was told to, and whether it ended by itself and well.
    func end() async -> (unread: Int, isWell: Bool) {
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
        defer { closePipes() }
        var left = unread
        for signal in [0, SIGTERM, SIGKILL] where signal == SIGKILL || !Task.isCancelled {
            if signal != 0 { kill(-pid, signal) }
            var limit = ContinuousClock.now + Self.grace
            while .now < limit, signal == SIGKILL || !Task.isCancelled {
                var status: Int32 = 0
                if waitpid(pid, &status, WNOHANG) != 0 {
                    return (signal == 0 ? unread : left, signal == 0 && status == 0)
                }
                dropOutput()
                // Cancelled or not, the child is waited for.
                let pause = Task.detached { try? await Task.sleep(for: .milliseconds(10)) }
                await pause.value
                let now = signal == 0 ? unread : left
                if now < left { limit = .now + Self.grace }
                left = now
            }
        }
        return (left, false)
    }
}
