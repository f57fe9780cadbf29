/// Finds what a mistyped word was meant to be.
enum NearestName {
    /// The name with the fewest edits from `word`; nil where all are too far to be meant.
    static func of(_ word: String, among names: [String]) -> String? {
        let ranked = names.map { (name: $0, distance: distance(Array(word.utf8.prefix(64)), Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        let isPrefix = word.count >= 2 && best.name.hasPrefix(word)
        if best.distance <= max(2, best.name.utf8.count / 2) || isPrefix { return best.name }
        return ranked.first { word.count >= 2 && $0.name.hasPrefix(word) }?.name
    }

    /// Edits from one word to the other: insert, delete, replace, swap two neighbours.
    static func distance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...to.count)
        for row in from.indices {
            var current = [row + 1]
            for column in to.indices {
                let replacing = last[column] + (from[row] == to[column] ? 0 : 1)
                var best = min(replacing, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[to.count]
    }
}
