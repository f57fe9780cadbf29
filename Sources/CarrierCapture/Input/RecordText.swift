public import NIOCore

/// Turns the JSON Lines of `decode --json` back into the bytes that they were made from.
///
/// Records that are not derived carry the input, in order. Where those were left out (`jq 'select(…)'`), derived
/// records speak for themselves.
public struct RecordText {
    /// The most bytes of one record.
    static let recordLimit = 64 << 20

    private var scanner = JSONObjectScanner(limit: RecordText.recordLimit)
    /// Whether a record that is not derived was there: derived ones say nothing new then.
    private var hasOriginals = false

    /// Text that is no record: offset, length, what is wrong.
    public private(set) var gaps: [(offset: UInt64, length: UInt64, reason: String)] = []

    public init() {}

    /// Takes the next piece of text and appends the bytes of its whole records.
    public mutating func feed(_ text: ByteBuffer, into output: inout ByteBuffer) {
        scanner.feed(text)
        read(&output)
    }

    /// No more text comes.
    public mutating func finish(into output: inout ByteBuffer) {
        scanner.finish()
        read(&output)
    }

    /// Takes the gaps that were found.
    public mutating func takeGaps() -> [(offset: UInt64, length: UInt64, reason: String)] {
        defer { gaps = [] }
        return gaps
    }

    private mutating func read(_ output: inout ByteBuffer) {
        while let found = scanner.next() {
            switch found {
            case .junk(let offset, let length): gaps.append((offset, length, "no JSON object"))
            case .object(let offset, let text):
                do {
                    try read(RecordLine(text), &output)
                } catch {
                    gaps.append((offset, UInt64(text.readableBytes), "\(error)"))
                }
            }
        }
    }

    private mutating func read(_ line: RecordLine, _ output: inout ByteBuffer) throws {
        guard line.type == "container" || line.type == "frame" || line.type == "gap", let raw = line.raw else { return }
        if !line.isDerived { hasOriginals = true }
        if line.isDerived && hasOriginals { return }
        var stage = Base64Text()
        var bytes = TextOutput()
        stage.feed(raw, &bytes)
        stage.finish(&bytes)
        guard bytes.gaps.isEmpty else { throw RecordLine.Malformed.notBase64 }
        output.writeBuffer(&bytes.bytes)
    }
}

extension RecordText: TextStage {
    mutating func feed(_ text: ByteBuffer, _ output: inout TextOutput) {
        feed(text, into: &output.bytes)
        output.gaps += takeGaps()
    }

    mutating func finish(_ output: inout TextOutput) {
        finish(into: &output.bytes)
        output.gaps += takeGaps()
    }
}
