import CarrierProtocols
import CarrierWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Carrier

@Suite("Receiving with a lock")
struct ReceiveLockTests {
    /// One side of an upgrade: it speaks the old version, says that it is done, waits for the other side to say so, and speaks the
    /// new one.
    final class Side: Sendable {
        struct State {
            var version: UInt32 = 0
            var seen: [Numbered] = []
            var early = 0
            var isUpgraded = false
        }
        let state = Mutex(State())
        let lines: UInt32 = 5

        /// What the reader does with each message.
        func take(_ message: Numbered) {
            state.withLock {
                if message.version != $0.version { $0.early += 1 }
                $0.seen.append(message)
            }
        }

        func speak(to peer: Peer, version: UInt32, pause: () async throws -> Void) async throws {
            for number in 0..<lines {
                try await peer.send(Numbered(version * lines + number, version: version))
                if number % 2 == 0 { try await pause() }
            }
        }

        /// The whole of it.
        func run(with peer: Peer, pause: () async throws -> Void) async throws {
            try await speak(to: peer, version: 0, pause: pause)
            try await peer.send(Upgrade(after: lines))
            while !state.withLock({ $0.isUpgraded }) { try await pause() }
            try await speak(to: peer, version: 1, pause: pause)
        }

        /// Passes the point.
        func upgrade(with peer: Peer, pause: () async throws -> Void) async throws {
            try await peer.withReceiveLock(on: Upgrade.self) { upgrade in
                // All of the old version is there; a new one might come now.
                while state.withLock({ UInt32($0.seen.count) }) < upgrade.count { try await pause() }
                for _ in 0..<3 { try await pause() }
                state.withLock { $0.version = 1 }
            }
            state.withLock { $0.isUpgraded = true }
        }

        func check(_ note: String) throws {
            let state = state.withLock { $0 }
            try #require(state.early == 0, "seen too early, \(note): \(state.seen)")
            try #require(state.seen.map(\.number) == Array(0..<(2 * lines)), "\(note): \(state.seen.map(\.number))")
        }
    }

    @Test("two nodes upgrade at a point under load in both directions, a thousand times")
    func thousandUpgrades() throws {
        for round in 0..<1000 {
            let registry = try MessageRegistry.ofTests
            let pair = try VirtualPair { $0.messages = registry }
            let sides = [Side(), Side()]
            let peers = [Peer(try pair.ours), Peer(try pair.theirs)]
            let loop: any EventLoop = pair.loop
            var tasks: [Outcome<Bool>] = []
            for (side, peer) in zip(sides, peers) {
                let number = round
                @Sendable func pause() async throws {
                    try await loop.scheduleTask(in: .microseconds(Int64(number % 7) * 10 + 1)) {}.futureResult.get()
                }
                tasks.append(
                    pair.run {
                        try await side.upgrade(with: peer, pause: pause)
                        return true
                    })
                _ = pair.run { for try await message in peer.messages(of: Numbered.self) { side.take(message) } }
            }
            for (side, peer) in zip(sides, peers) {
                tasks.append(
                    pair.run {
                        try await side.run(with: peer) {
                            try await loop.scheduleTask(in: .microseconds(Int64(round % 5) * 10 + 1)) {}.futureResult
                                .get()
                        }
                        return true
                    })
            }
            pair.pass(.milliseconds(50))
            try #require(tasks.allSatisfy { $0.value == true }, "round \(round): \(tasks.map { $0.error })")
            for side in sides { try side.check("round \(round)") }
            try pair.end()
        }
    }

    @Test("a lock that is forgotten is released, and one that is held holds replies too")
    func release() throws {
        let registry = try MessageRegistry.ofTests
        let pair = try VirtualPair { $0.messages = registry }
        let peer = Peer(try pair.theirs)
        let other = Peer(try pair.ours)
        let locked = pair.run { try await peer.receiveLocked(Upgrade.self).lock }
        _ = pair.run {
            try await other.send(Upgrade(after: 0))
            try await other.send(Numbered(1))
        }
        let request = pair.run { try await peer.request(.numbered(1), within: .seconds(5)) }
        let ping = pair.run { try await peer.ping(ByteBuffer(string: "x"), within: .seconds(30)) }
        var received = pair.run { try await peer.receive(Numbered.self, within: .seconds(1)) }
        pair.pass(.seconds(2))
        #expect(received.error as? ReceiveError == .timeout(.seconds(1)))
        #expect(!ping.isThere && !request.isThere)
        #expect(locked.value != nil)
        locked.value?.release()
        pair.loop.run()
        #expect(ping.isThere && ping.error == nil)
        received = pair.run { try await peer.receive(Numbered.self) }
        #expect(received.value == Numbered(1))
        // Forgotten in a scope that throws.
        struct Failed: Error {}
        let failing = pair.run { () async throws -> Bool in
            _ = try await peer.receiveLocked(Upgrade.self)
            throw Failed()
        }
        _ = pair.run {
            try await other.send(Upgrade(after: 0))
            try await other.send(Numbered(2))
        }
        pair.pass(.seconds(5))
        #expect(failing.error is Failed)
        received = pair.run { try await peer.receive(Numbered.self) }
        #expect(received.value == Numbered(2))
        try pair.end()
    }

    @Test("a lock that nobody sends for times out, is cancelled, or hears of the end")
    func waiting() throws {
        let registry = try MessageRegistry.ofTests
        let pair = try VirtualPair { $0.messages = registry }
        let peer = Peer(try pair.theirs)
        let timed = pair.run { try await peer.receiveLocked(Upgrade.self, within: .seconds(3)).message.count }
        pair.pass(.seconds(3))
        #expect(timed.error as? ReceiveError == .timeout(.seconds(3)))
        let ended = pair.run { try await peer.receiveLocked(Upgrade.self).message.count }
        try pair.ours.close(.shutdown)
        pair.pass(.seconds(1))
        #expect(ended.error as? ReceiveError == .disconnected(.remote(.shutdown, "")))
        try pair.end()
    }

    @Test("who takes messages slowly holds the peer back; nothing is lost")
    func backPressure() throws {
        let registry = try MessageRegistry.ofTests
        let pair = try VirtualPair {
            $0.messages = registry
            $0.limits.receive.waiting = 16 << 10
        }
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        let (sender, receiver) = (Peer(ours), Peer(theirs))
        let total: UInt32 = 100_000
        let sending = pair.run { for number in 0..<total { try await sender.send(Numbered(number)) } }
        #expect(theirs.holds.contains(.inbox))
        #expect(theirs.inbox.bytes < 2 << 20, "\(theirs.inbox.bytes)")
        let seen = Mutex<[UInt32]>([])
        _ = pair.run {
            for try await message in receiver.messages(of: Numbered.self) {
                seen.withLock { $0.append(message.number) }
            }
        }
        pair.pass(.seconds(5))
        #expect(sending.isThere && sending.error == nil)
        #expect(seen.withLock { $0 == Array(0..<total) })
        try pair.end()
    }
}
