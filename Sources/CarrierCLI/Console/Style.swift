import Glibc

/// Whether and how text is coloured; the text itself never changes.
struct Style: Sendable {
    /// When to colour.
    enum Choice: String, CaseIterable, Sendable {
        case auto
        case always
        case never
    }

    let isColoured: Bool

    /// No colour at all.
    static let plain = Style(isColoured: false)

    /// - Parameter choice: `auto` colours a terminal unless `NO_COLOR` is set (https://no-color.org) or it is dumb.
    static func chosen(_ choice: Choice, for descriptor: Int32) -> Style {
        switch choice {
        case .always: Style(isColoured: true)
        case .never: .plain
        case .auto:
            Style(
                isColoured: Environment.value("NO_COLOR") == nil && Environment.value("TERM") != "dumb"
                    && isatty(descriptor) == 1)
        }
    }

    private init(isColoured: Bool) { self.isColoured = isColoured }

    func red(_ text: String) -> String { paint(text, "31") }
    func green(_ text: String) -> String { paint(text, "32") }
    func yellow(_ text: String) -> String { paint(text, "33") }
    func bold(_ text: String) -> String { paint(text, "1") }
    func dim(_ text: String) -> String { paint(text, "2") }

    private func paint(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
