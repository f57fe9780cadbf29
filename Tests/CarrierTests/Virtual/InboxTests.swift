import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import Carrier

@Suite("Messages that wait for the application")
struct InboxTests {
    private func take(_ inbox: Inbox, _ opcode: UInt32, locks: Bool = false) -> (got: () -> UInt32?, number: UInt64?) {
        var number: UInt32?
        let waiter = inbox.take(Opcode(opcode), locks: locks) { result in
            if case .success(let frame) = result { number = frame.number }
        }
        return ({ number }, waiter)
    }

    private func offer(_ inbox: Inbox, _ number: UInt32, _ opcode: UInt32) {
        inbox.offer(.numbered(number, opcode: Opcode(opcode)))
    }

    @Test("each opcode has its order, whoever comes first, message or taker")
    func order() {
        let inbox = Inbox(byteLimit: 1000)
        offer(inbox, 1, 1000)
        offer(inbox, 2, 1001)
        offer(inbox, 3, 1000)
        let takers = [1000, 1001, 1000, 1000].map { take(inbox, $0) }
        #expect(takers.map { $0.got() } == [1, 2, 3, nil])
        offer(inbox, 4, 1000)
        #expect(takers[3].got() == 4 && inbox.bytes == 0)
    }

    @Test("what came behind a lock waits for its release; what came before does not")
    func lock() {
        let inbox = Inbox(byteLimit: 1000)
        for (number, opcode) in [(1, 1000), (2, 1001), (3, 1000), (4, 1001)] as [(UInt32, UInt32)] {
            offer(inbox, number, opcode)
        }
        let locked = take(inbox, 1001, locks: true)
        #expect(locked.got() == 2 && inbox.isLocked)
        let number = inbox.lockNumber
        let (first, second) = (take(inbox, 1000), take(inbox, 1000))
        offer(inbox, 5, 1000)
        #expect(first.got() == 1 && second.got() == nil)
        // A second lock waits for the first one's release, and an old number releases nothing.
        let again = take(inbox, 1001, locks: true)
        #expect(again.got() == nil)
        inbox.unlock(number &- 1)
        #expect(inbox.isLocked && second.got() == nil)
        inbox.unlock(number)
        #expect(second.got() == 3 && again.got() == 4 && inbox.isLocked)
        let third = take(inbox, 1000)
        #expect(third.got() == nil)
        inbox.unlock(number)
        #expect(inbox.isLocked)
        inbox.unlock(inbox.lockNumber)
        #expect(third.got() == 5 && inbox.bytes == 0)
    }

    @Test("who gives up is not served; what is there at the end can still be taken")
    func close() {
        let inbox = Inbox(byteLimit: 1000)
        let one = take(inbox, 1000)
        #expect(inbox.giveUp(one.number ?? 0) && !inbox.giveUp(one.number ?? 0))
        offer(inbox, 1, 1000)
        #expect(one.got() == nil)
        var failed = false
        _ = inbox.take(Opcode(1001), locks: false) { if case .failure = $0 { failed = true } }
        inbox.close(.broken("test"))
        #expect(failed && take(inbox, 1000).got() == 1)
    }

    @Test("small messages do not keep the memory of all that was read with them")
    func memory() throws {
        let inbox = Inbox(byteLimit: 1 << 20)
        for number in 0..<100 {
            let read = ByteBuffer(repeating: 0, count: 65_536)
            let body = try #require(read.getSlice(at: 7, length: 4))
            inbox.offer(Frame(Opcode(UInt32(1000 + number)), body: body))
        }
        var large = 0
        for number in 0..<100 {
            _ = inbox.take(Opcode(UInt32(1000 + number)), locks: false) { result in
                if let frame = try? result.get(), frame.body.storageCapacity > 4096 { large += 1 }
            }
        }
        #expect(large <= 16)
    }
}
