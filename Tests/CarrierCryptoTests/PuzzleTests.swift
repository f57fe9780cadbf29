import CarrierCrypto
import Testing

@Suite("Puzzles")
struct PuzzleTests {
    @Test("SHA-256 gives the digests of FIPS 180-4")
    func sha256() {
        #expect(
            SHA256.hash(Array("abc".utf8)).description
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256.hash([]).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let hash = SHA256()
        for _ in 0..<2 {
            for piece in ["", "a", "bc"] { Array(piece.utf8).withUnsafeBytes { hash.update($0) } }
            #expect(hash.finish() == SHA256.hash(Array("abc".utf8)))
        }
    }

    @Test("A puzzle's worth is the leading zero bits of the hash it names")
    func worth() throws {
        for _ in 0..<200 {
            let peer = PeerID(try #require(Bytes32(SystemRandom.bytes(32))))
            let nonce = try #require(Bytes32(SystemRandom.bytes(32)))
            let nodeID = SHA256.hash(peer.bytes)
            #expect(peer.nodeID.bytes == nodeID)
            #expect(Puzzle.staticBits(of: peer.nodeID) == SHA256.hash(nodeID).leadingZeroBitCount)
            #expect(
                Puzzle.dynamicBits(of: peer.nodeID, nonce: nonce) == SHA256.hash(nodeID ^ nonce).leadingZeroBitCount)
        }
    }

    @Test("A search finds an identity that solves both puzzles, and counts its tries", .timeLimit(.minutes(1)))
    func search() async throws {
        let search = IdentitySearch(Puzzle.Difficulty(staticBits: 4, dynamicBits: 9), threads: 2)
        let identity = try await search.run()
        #expect(identity.solved.staticBits >= 4)
        #expect(identity.solved.dynamicBits >= 9)
        #expect(search.progress.keyTries > 0 && search.progress.nonceTries > 0)
        #expect(Puzzle.isSolved(by: identity.peerID, nonce: identity.puzzleNonce, search.difficulty))
        // The same nonce is worth nothing to another node, and no peer passes above its worth.
        let above = Puzzle.Difficulty(staticBits: identity.solved.staticBits + 1, dynamicBits: 0)
        #expect(!Puzzle.isSolved(by: identity.peerID, nonce: identity.puzzleNonce, above))
        let dynamic = Puzzle.Difficulty(staticBits: 0, dynamicBits: identity.solved.dynamicBits + 1)
        #expect(!Puzzle.isSolved(by: identity.peerID, nonce: identity.puzzleNonce, dynamic))
    }

    @Test("A cancelled search ends", .timeLimit(.minutes(1)))
    func cancellation() async throws {
        let task = Task { try await IdentitySearch(Puzzle.Difficulty(staticBits: 200), threads: 2).run() }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
