/// A file of the Wycheproof suite (C2SP, `testvectors_v1`).
///
/// `Group` holds what the cases of a group share, `Case` what differs.
public struct Wycheproof<Group: Decodable & Sendable, Case: Decodable & Sendable>: Decodable, Sendable {
    /// Cases with the same parameters.
    public struct TestGroup: Decodable, Sendable {
        public let shared: Group
        public let tests: [Test]

        private enum CodingKeys: CodingKey { case tests }

        public init(from decoder: any Decoder) throws {
            shared = try Group(from: decoder)
            tests = try decoder.container(keyedBy: CodingKeys.self).decode([Test].self, forKey: .tests)
        }
    }

    /// One case and what must come of it.
    public struct Test: Decodable, Sendable {
        public enum Result: String, Decodable, Sendable {
            case valid
            case invalid
            /// Implementations may differ: the test says what this one does.
            case acceptable
        }

        public let id: Int
        public let comment: String
        public let flags: [String]
        public let result: Result
        public let values: Case

        private enum CodingKeys: String, CodingKey { case tcId, comment, flags, result }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(Int.self, forKey: .tcId)
            comment = try container.decode(String.self, forKey: .comment)
            flags = try container.decode([String].self, forKey: .flags)
            result = try container.decode(Result.self, forKey: .result)
            values = try Case(from: decoder)
        }
    }

    public let testGroups: [TestGroup]

    /// All cases, each with its group.
    public var cases: [(group: Group, test: Test)] {
        testGroups.flatMap { group in group.tests.map { (group.shared, $0) } }
    }
}
