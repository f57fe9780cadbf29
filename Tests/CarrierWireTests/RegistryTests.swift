import CarrierTesting
import CarrierWire
import NIOCore
import SwiftProtobuf
import Testing

@Suite("The registry of messages")
struct RegistryTests {
    private struct Greeting: MsgpackMessage, Equatable {
        var name: String
    }

    private struct Measure: FieldMessage, Equatable {
        var value: UInt32
        init(value: UInt32) { self.value = value }
        init(from reader: inout Reader) throws(WireError) { value = try reader.u32("value") }
        func write(to writer: inout Writer) { writer.u32(value) }
    }

    @Test("A registered message goes into a frame and out again")
    func roundTrip() throws {
        var registry = MessageRegistry()
        try registry.register(Greeting.self, opcode: Opcode(1000))
        try registry.register(Measure.self, opcode: Opcode(.max), name: "measure")
        try registry.register(Carrier_Tests_Order.self, opcode: Opcode(1001))
        #expect(try registry.opcode(of: Greeting.self) == Opcode(1000))

        let greeting = try registry.frame(for: Greeting(name: "world"), flags: .request, nonce: 5)
        #expect(greeting.opcode == Opcode(1000) && greeting.codec == .msgpack && greeting.nonce == 5)
        #expect(try registry.decode(greeting, as: Greeting.self) == Greeting(name: "world"))
        #expect(try registry.decode(greeting) as? Greeting == Greeting(name: "world"))

        let measure = try registry.frame(for: Measure(value: 7))
        #expect(measure.codec == .bytes && measure.body.array == [7, 0, 0, 0])
        #expect(try registry.decode(measure) as? Measure == Measure(value: 7))

        let order = try registry.frame(for: Carrier_Tests_Order.with { $0.number = 3 })
        #expect(order.codec == .protobuf)
        #expect(try registry.decode(order, as: Carrier_Tests_Order.self).number == 3)

        #expect(registry.entries.map(\.opcode.rawValue) == [1000, 1001, .max])
        #expect(registry.entry(for: Opcode(.max))?.name == "measure")
        #expect(registry.entry(for: .ping)?.name == "ping")
    }

    @Test("row 21: Double and reserved registrations are refused at once, and change nothing")
    func refusals() throws {
        var registry = MessageRegistry()
        try registry.register(Greeting.self, opcode: Opcode(1000))
        #expect(throws: RegistryError.opcodeTaken(Opcode(1000), by: "Greeting", wantedFor: "Measure")) {
            try registry.register(Measure.self, opcode: Opcode(1000))
        }
        #expect(throws: RegistryError.opcodeTaken(Opcode(1000), by: "Greeting", wantedFor: "raw")) {
            try registry.register(opcode: Opcode(1000), name: "raw", codec: .bytes)
        }
        #expect(throws: RegistryError.typeTaken("Greeting", by: Opcode(1000), wantedFor: Opcode(1001))) {
            try registry.register(Greeting.self, opcode: Opcode(1001))
        }
        for opcode in [Opcode(0), .ping, Opcode(25), Opcode(999)] {
            #expect(throws: RegistryError.reserved(opcode)) { try registry.register(Measure.self, opcode: opcode) }
            #expect(throws: RegistryError.reserved(opcode)) {
                try registry.register(opcode: opcode, name: "raw", codec: .bytes)
            }
        }
        #expect(throws: RegistryError.typeTaken("Ping", by: .ping, wantedFor: Opcode(1002))) {
            try registry.register(Ping.self, opcode: Opcode(1002))
        }
        #expect(registry.entries.count == 1)
        // The failed type is free for a good opcode.
        try registry.register(Measure.self, opcode: Opcode(1001))
    }

    @Test("What is not registered is neither sent nor decoded")
    func unregistered() throws {
        var registry = MessageRegistry()
        #expect(throws: RegistryError.unregisteredType("Greeting")) { try registry.opcode(of: Greeting.self) }
        #expect(throws: RegistryError.unregisteredType("Greeting")) { try registry.frame(for: Greeting(name: "")) }
        #expect(throws: RegistryError.unregisteredOpcode(Opcode(1000))) { try registry.decode(Frame(Opcode(1000))) }
        #expect(throws: RegistryError.unregisteredOpcode(.unregistered)) { try registry.decode(Frame(.unregistered)) }
        try registry.register(opcode: Opcode(1000), name: "chat", codec: .msgpack)
        #expect(throws: RegistryError.untyped(Opcode(1000), name: "chat")) { try registry.decode(Frame(Opcode(1000))) }
        #expect(registry.entry(for: Opcode(1000))?.type == nil)
        #expect(registry.entry(for: Opcode(1000))?.codec == .msgpack)
    }

    @Test("A frame of another message or codec is refused")
    func mismatches() throws {
        var registry = MessageRegistry()
        try registry.register(Measure.self, opcode: Opcode(1000))
        #expect(throws: RegistryError.otherCodec(Opcode(1000), expected: .bytes, got: .msgpack)) {
            try registry.decode(Frame(Opcode(1000), codec: .msgpack))
        }
        #expect(throws: RegistryError.otherMessage(Opcode(1001), expected: Opcode(1000))) {
            try registry.decode(Frame(Opcode(1001)), as: Measure.self)
        }
        #expect(throws: RegistryError.otherCodec(.ping, expected: .bytes, got: .protobuf)) {
            try registry.decode(Frame(.ping, codec: .protobuf), as: Ping.self)
        }
        #expect(throws: WireError("value", at: 0, .truncated(needed: 4, left: 0))) {
            try registry.decode(Frame(Opcode(1000)))
        }
    }

    @Test("Every built-in opcode with a body of fields decodes without registration")
    func builtIn() throws {
        let fields = (0...30).map { Opcode(UInt32($0)) }.filter {
            $0.builtInName != nil && $0 != .unregistered && $0 != .bytes
        }
        for opcode in fields { #expect(MessageRegistry().entry(for: opcode)?.name == opcode.builtInName) }
        #expect(fields.count == 18)
    }
}
