import CarrierTesting
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("MessagePack as JSON")
struct MsgpackJSONTests {
    @Test("Values are shown as people write them")
    func showing() throws {
        let value = MsgpackValue.map([
            .init(.string("a"), .array([.int(-1), .uint(.max), .double(0.5), .float(1.5), .null, .bool(true)])),
            .init(.string("q\"\\\n\u{1}\u{7f}\u{9b}é🍺"), .string("")),
            .init(.string("bin"), .binary(ByteBuffer(bytes: [1, 2, 3]))),
            .init(.string("ext"), .ext(5, ByteBuffer(bytes: [0]))),
            .init(.string("time"), .timestamp(seconds: -1, nanoseconds: 5)),
            .init(.string("nan"), .double(.nan)), .init(.string("inf"), .float(-.infinity)),
            .init(.string("map"), .map([.init(.int(1), .int(2))])),
        ])
        #expect(
            value.json == #"{"a":[-1,18446744073709551615,0.5,1.5,null,true],"q\"\\\n\u0001\u007f\u009bé🍺":"","#
                + #""bin":{"$bin":"AQID"},"ext":{"$ext":[5,"AA=="]},"time":{"$time":[-1,5]},"nan":{"$float":"nan"},"#
                + #""inf":{"$float":"-inf"},"map":{"$map":[[1,2]]}}"#)
    }

    @Test("JSON becomes what it says")
    func reading() throws {
        #expect(
            try MsgpackValue(json: #" {"b": [1, 2.5, "x", null, true, false, {}], "a": -9223372036854775808} "#)
                == .map([
                    .init(.string("a"), .int(.min)),
                    .init(
                        .string("b"),
                        .array([.int(1), .double(2.5), .string("x"), .null, .bool(true), .bool(false), .map([])])),
                ]))
        #expect(try MsgpackValue(json: "18446744073709551615") == .uint(.max))
        #expect(try MsgpackValue(json: "1e300") == .double(1e300))
        #expect(try MsgpackValue(json: #""\u00e9\ud83c\udf7a""#) == .string("é🍺"))
        #expect(try MsgpackValue(json: #"{"$bin":"AQID"}"#) == .binary(ByteBuffer(bytes: [1, 2, 3])))
        #expect(try MsgpackValue(json: #"{"$bin":"AQID","x":1}"#) != .binary(ByteBuffer(bytes: [1, 2, 3])))
    }

    /// What JSON cannot tell apart: the width of floats, and whole floats from integers.
    private func plain(_ value: MsgpackValue) -> MsgpackValue {
        switch value {
        case .float(let number): plain(.double(Double(number)))
        case .double(let number): Self.whole(number) ?? (number.isNaN ? .string("NaN") : value)
        case .array(let items): .array(items.map(plain))
        case .map(let entries):
            // Objects come back in the order of their keys.
            .map(
                entries.map { .init(plain($0.key), plain($0.value)) }.sorted { "\($0.key)" < "\($1.key)" })
        default: value
        }
    }

    /// The integer that the digits of a whole number spell.
    private static func whole(_ number: Double) -> MsgpackValue? {
        guard number == number.rounded(), let decimal = Decimal(string: "\(number)") else { return nil }
        return Int64(decimal.description).map { .int($0) } ?? UInt64(decimal.description).map { .uint($0) }
    }

    @Test("Nothing but the width of floats is lost on the way through JSON", arguments: UInt64(0)..<150)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let value = random.value()
        let back = try MsgpackValue(json: value.json)
        #expect(plain(back) == plain(value), "\(value.json)")
    }

    @Test("An object that looks like one of ours comes back as the object it was")
    func lookalikes() throws {
        for name in ["$bin", "$ext", "$time", "$float", "$map"] {
            let value = MsgpackValue.map([.init(.string(name), .string("AQID"))])
            #expect(try MsgpackValue(json: value.json) == value)
        }
        let doubled = MsgpackValue.map([.init(.string("a"), .int(1)), .init(.string("a"), .int(2))])
        #expect(try MsgpackValue(json: doubled.json) == doubled)
    }

    @Test("The same JSON gives the same bytes")
    func determinism() throws {
        let json = "{" + (0..<50).map { #""k\#($0)":\#($0)"# }.joined(separator: ",") + "}"
        let first = try MsgpackValue(json: json)
        for _ in 0..<5 { #expect(try MsgpackValue(json: json) == first) }
        guard case .map(let entries) = first else {
            Issue.record("\(first)")
            return
        }
        #expect(entries.map(\.key.json) == entries.map(\.key.json).sorted())
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", " ", "{", "[1,", "[1,]x", "nul", "tru", "01", "1 2", #"{"a":}"#, #"{a:1}"#, "'a'", #""\x""#,
            #""\ud800""#, "\"a\nb\"",
            #"{"$bin":"*"}"#, #"{"$bin":1}"#, #"{"$ext":[128,""]}"#, #"{"$ext":[1]}"#, #"{"$time":[1,1000000000]}"#,
            #"{"$time":[1,-1]}"#, #"{"$float":"x"}"#, #"{"$map":[[1]]}"#, #"{"$map":{}}"#, "1e999",
        ])
    func rejects(text: String) {
        let error = #expect(throws: MsgpackJSONError.self, "\(text)") { try MsgpackValue(json: text) }
        #expect(error?.description.contains("expected") == true)
    }

    @Test("JSON may be 32 levels deep and no deeper")
    func depth() throws {
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        #expect(try MsgpackValue(msgpack: MsgpackValue(json: nested(32)).encoded).json == nested(32))
        #expect(throws: MsgpackJSONError.self) { try MsgpackValue(json: nested(34)) }
        #expect(throws: MsgpackJSONError.self) { try MsgpackValue(json: nested(100_000)) }
        #expect(throws: MsgpackJSONError.self) { try MsgpackValue(json: String(repeating: "[", count: 100_000)) }
    }
}
