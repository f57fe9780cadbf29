internal import Synchronization

/// Finds an identity that solves both puzzles, on several threads.
public struct IdentitySearch: Sendable {
    /// How far a search has come.
    public struct Progress: Sendable {
        /// Key pairs tried for the static puzzle.
        public var keyTries: UInt64
        /// Nonces tried for the dynamic puzzle.
        public var nonceTries: UInt64
    }

    /// How hard the puzzles are.
    public let difficulty: Puzzle.Difficulty
    /// How many searches run side by side.
    public let threads: Int

    private final class Counters: Sendable {
        let keys = Atomic<UInt64>(0)
        let nonces = Atomic<UInt64>(0)
    }
    private let counters = Counters()

    /// A search that is not begun yet, for puzzles at least that hard, on that many threads.
    public init(_ difficulty: Puzzle.Difficulty, threads: Int) {
        self.difficulty = difficulty
        self.threads = max(1, threads)
    }

    /// Tries made so far; may be read from any thread while the search runs.
    public var progress: Progress {
        Progress(
            keyTries: counters.keys.load(ordering: .relaxed), nonceTries: counters.nonces.load(ordering: .relaxed))
    }

    /// Searches until both puzzles are solved or the task is cancelled.
    ///
    /// - Throws: `CancellationError`, or a `CryptoError` of key generation.
    public func run() async throws -> Identity {
        let (difficulty, counters) = (difficulty, counters)
        let key = try await firstFound { () throws(CryptoError) -> Ed25519.SigningKey? in
            var tries: UInt64 = 64
            defer { counters.keys.add(tries, ordering: .relaxed) }
            return try Puzzle.searchKey(bits: difficulty.staticBits, tries: &tries)
        }
        let nodeID = PeerID(key.publicKey).nodeID
        let nonce = try await firstFound { () throws(CryptoError) -> Bytes32? in
            var tries: UInt64 = 4096
            defer { counters.nonces.add(tries, ordering: .relaxed) }
            var random = SystemRandom()
            return Puzzle.searchNonce(
                for: nodeID, bits: difficulty.dynamicBits, from: Bytes32(random: &random), tries: &tries)
        }
        return Identity(key: key, puzzleNonce: nonce)
    }

    /// Runs `batch` on every thread, again and again, until one finds something.
    private func firstFound<Found: Sendable>(_ batch: @Sendable @escaping () throws -> Found?) async throws -> Found {
        try await withThrowingTaskGroup(of: Found.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    while true {
                        try Task.checkCancellation()
                        if let found = try batch() { return found }
                        await Task.yield()
                    }
                }
            }
            defer { group.cancelAll() }
            guard let found = try await group.next() else { throw CancellationError() }
            return found
        }
    }
}

extension Identity {
    /// Makes an identity whose puzzles are solved as well as peers ask by default: a matter of milliseconds.
    ///
    /// - Parameter difficulty: how well; default 8 and 8 bits. Each bit more takes twice as long.
    /// - Throws: `CryptoError`; `CancellationError` when the task is cancelled.
    public static func generate(_ difficulty: Puzzle.Difficulty = Puzzle.Difficulty()) async throws -> Identity {
        try await IdentitySearch(difficulty, threads: 1).run()
    }
}
