import CarrierTesting
import CarrierWire
import NIOCore
import SwiftProtobuf
import Testing

extension Carrier_Tests_Order: ProtobufMessage {}

@Suite("Protocol Buffers")
struct ProtobufTests {
    private func order(_ random: inout SeededRandom, depth: Int = 2) -> Carrier_Tests_Order {
        Carrier_Tests_Order.with { order in
            order.number = random.integer()
            order.paid = random.int(0...1) == 1
            order.receipt.append(contentsOf: random.bytes(random.int(0...100)))
            order.marks = (0..<random.int(0...10)).map { _ in random.integer() }
            order.items = (0..<random.int(0...5)).map { _ in
                .with {
                    $0.name = random.text(10)
                    $0.count = random.integer()
                    $0.price = Double(random.int(-1000...1000)) / 7
                }
            }
            for index in 0..<random.int(0...4) { order.stock["\(index)"] = random.integer() }
            if depth > 0, random.int(0...1) == 1 { order.replaces = self.order(&random, depth: depth - 1) }
        }
    }

    @Test("A generated message goes there and back", arguments: UInt64(0)..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let order = order(&random)
        let body = try order.body()
        #expect(Carrier_Tests_Order.codec == .protobuf)
        #expect(try Carrier_Tests_Order(body: body) == order)
        #expect(try Carrier_Tests_Order(serializedBytes: body.array) == order)
        var output = ByteBuffer(bytes: [1, 2])
        try order.encode(into: &output)
        #expect(output.readableBytes == body.readableBytes + 2 && output.array.prefix(2) == [1, 2])
    }

    @Test("Cut, flipped and random bytes end in a message or in a typed error", arguments: UInt64(0)..<100)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let body = try order(&random).body().array
        var altered = body
        if !altered.isEmpty { altered[random.int(0...(body.count - 1))] ^= 1 << UInt8(random.int(0...7)) }
        for input in [Array(body.prefix(random.int(0...body.count))), altered, random.bytes(random.int(0...200))] {
            do throws(WireError) {
                _ = try Carrier_Tests_Order(protobuf: ByteBuffer(bytes: input))
            } catch {
                #expect(error.field == "carrier.tests.Order")
            }
        }
    }

    @Test("What is wrong is said")
    func errors() {
        func problem(_ bytes: [UInt8]) -> WireError.Problem? {
            do throws(WireError) {
                _ = try Carrier_Tests_Order(protobuf: ByteBuffer(bytes: bytes))
                return nil
            } catch { return error.problem }
        }
        #expect(problem([0x1a, 5, 1]) == .unexpected(expected: "whole Protocol Buffers", got: "a truncated body"))
        #expect(problem([0x12, 3, 0x0a, 1, 0xff]) == .notUTF8)
        #expect(problem([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]) != nil)
        #expect(problem([0x0f]) != nil)
        // An unknown field is kept, not refused.
        #expect(problem([0xf8, 0x07, 1]) == nil)
    }

    @Test("Messages lie at most 32 levels deep")
    func depth() throws {
        func nested(_ levels: Int) -> Carrier_Tests_Order {
            var order = Carrier_Tests_Order()
            for _ in 0..<levels {
                let inner = order
                order = .with { $0.replaces = inner }
            }
            return order
        }
        #expect(try Carrier_Tests_Order(body: nested(31).body()) == nested(31))
        #expect(throws: WireError("carrier.tests.Order", at: 0, .tooDeep(limit: 32))) {
            try Carrier_Tests_Order(body: nested(40).body())
        }
        // Groups that nobody knows count as well.
        #expect(throws: WireError.self) {
            try Carrier_Tests_Order(body: ByteBuffer(repeating: 0x7b, count: 100_000))
        }
    }
}
