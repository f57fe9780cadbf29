import Testing

/// A real `carrier listen` on a host of the lab.
struct LabNode {
    let child: Child
    /// Its first record.
    let ready: JSONRecord

    init(_ lab: Lab, on host: String, _ options: String, limit: Duration = .seconds(60)) async throws {
        child = try lab.start(host, "carrier listen --json \(options)", limit: limit)
        let first = await child.line().flatMap { JSONRecord($0) }
        ready = try #require(first, "\(child.errors)")
        try #require(ready.type == "ready", "\(child.output) \(child.errors)")
    }

    var id: String { ready["public_key"]?.text ?? "?" }
    /// Where it can be dialled, as it says at first.
    var addresses: [String] { ready["addresses"]?.array?.compactMap(\.text) ?? [] }

    /// Its address with this host.
    func address(at host: String) throws -> String {
        try #require(addresses.first { $0.contains("@\(host):") }, "\(addresses) \(child.errors)")
    }

    /// Waits for a record of a type that `isWanted`; nil when the process ends without one.
    func record(_ type: String, where isWanted: (JSONRecord) -> Bool = { _ in true }) async -> JSONRecord? {
        await child.line { line in JSONRecord(String(line)).map { $0.type == type && isWanted($0) } ?? false }
            .flatMap { JSONRecord($0) }
    }

    /// Ends it by a signal.
    func end(_ signal: Int32 = 15) async -> Outcome {
        child.send(signal)
        return await child.outcome()
    }
}
