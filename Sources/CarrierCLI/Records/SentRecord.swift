import Carrier

/// A message that left.
struct SentRecord: Record {
    static var type: StaticString { "sent" }
    let outcome: Node.BroadcastOutcome
    let bytes: Int

    func encode(into line: inout JSONLine) {
        line.add("id", "\(outcome.id)")
        line.add("bytes", bytes)
        line.add("asked", outcome.asked)
        line.add("acknowledged", outcome.acknowledged)
        line.array("delegates") { line in
            for delegate in outcome.delegates {
                line.elementObject { line in
                    line.add("bucket", delegate.bucket)
                    line.add("peer", ifPresent: delegate.peer.map { "\($0)" })
                    guard let report = delegate.report else { return }
                    line.add("reached", report.reached)
                    line.add("depth", report.depth)
                    line.add("duplicates", report.duplicates)
                }
            }
        }
        guard let report = outcome.report else { return }
        line.add("reached", report.reached)
        line.add("depth", report.depth)
        line.add("duplicates", report.duplicates)
        line.add("complete", report.isComplete)
        line.add("elapsed_ms", milliseconds: report.elapsed)
    }

    func text(_ style: Style) -> String? {
        guard let report = outcome.report else { return "\(outcome.id) \(outcome.acknowledged)/\(outcome.asked)" }
        return "\(outcome.id) reached \(report.reached) depth \(report.depth) duplicates \(report.duplicates)"
    }
}
