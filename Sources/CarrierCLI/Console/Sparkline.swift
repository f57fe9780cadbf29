/// Numbers as a row of bars, for who looks rather than reads.
enum Sparkline {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    /// Where there is no number.
    private static let missing: Character = "×"

    /// The row.
    ///
    /// - Parameters:
    ///   - values: the numbers, none of them negative; nil where one is missing. The lowest bar is zero, the highest the greatest.
    ///   - columns: how wide it may be; more values share a bar, which shows what is worst of them. Default 60.
    static func of(_ values: [Double?], columns: Int = 60) -> String {
        let greatest = values.compactMap { $0 }.filter(\.isFinite).max() ?? 0
        let width = max(1, min(columns, values.count))
        return String(
            (0..<(values.isEmpty ? 0 : width)).map { column -> Character in
                let share = values[(values.count * column / width)..<(values.count * (column + 1) / width)]
                let numbers = share.compactMap { $0 }
                guard numbers.count == share.count, let worst = numbers.max(), worst.isFinite else { return missing }
                guard greatest > 0 else { return bars[0] }
                return bars[min(bars.count - 1, Int(worst / greatest * Double(bars.count - 1) + 0.5))]
            })
    }
}
