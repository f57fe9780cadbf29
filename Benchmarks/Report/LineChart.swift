/// A picture of some curves over one axis, as SVG.
public struct LineChart {
    /// One curve. The points of a short one are marked.
    public struct Series {
        public let name: String
        public let points: [(x: Double, y: Double)]

        public init(name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points
        }
    }

    let title: String
    let xLabel: String
    let yLabel: String
    let xRange: ClosedRange<Double>
    let yRange: ClosedRange<Double>
    let yDigits: Int
    let series: [Series]

    /// - Parameter yDigits: digits after the point at the upright axis.
    public init(
        title: String, xLabel: String, yLabel: String, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>,
        yDigits: Int = 2, series: [Series]
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.xRange = xRange
        self.yRange = yRange
        self.yDigits = yDigits
        self.series = series
    }

    /// Curves of more points are drawn without marks.
    private static let markedPoints = 40
    private static let colours = ["#c0392b", "#2471a3", "#1e8449", "#7d3c98", "#b9770e"]
    private static let (width, height, left, right, top, bottom) = (720.0, 440.0, 64.0, 130.0, 40.0, 52.0)

    private func x(_ value: Double) -> Double {
        Self.left + (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
            * (Self.width - Self.left - Self.right)
    }

    private func y(_ value: Double) -> Double {
        Self.height - Self.bottom - (value - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
            * (Self.height - Self.top - Self.bottom)
    }

    /// Several charts below each other, as one picture.
    public static func stacked(_ charts: [LineChart]) -> String {
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height * Double(charts.count))\">"
        ]
        for (index, chart) in charts.enumerated() {
            let place = "y=\"\(height * Double(index))\" width=\"\(width)\" height=\"\(height)\""
            lines.append("<svg \(place) viewBox=\"0 0 \(width) \(height)\">")
            lines.append(chart.svg)
            lines.append("</svg>")
        }
        lines.append("</svg>\n")
        return lines.joined(separator: "\n")
    }

    /// The chart as a picture.
    public var svg: String {
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.width) \(Self.height)\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            "<text x=\"\(Self.left)\" y=\"24\" font-size=\"15\">\(title)</text>",
        ]
        for value in Self.marks(xRange) {
            lines.append(grid(x(value), y(yRange.lowerBound), x(value), y(yRange.upperBound)))
            lines.append(label(x(value), y(yRange.lowerBound) + 18, "middle", Report.number(value, 0)))
        }
        for value in Self.marks(yRange) {
            lines.append(grid(x(xRange.lowerBound), y(value), x(xRange.upperBound), y(value)))
            lines.append(label(x(xRange.lowerBound) - 8, y(value) + 4, "end", Report.number(value, yDigits)))
        }
        lines.append(label((x(xRange.lowerBound) + x(xRange.upperBound)) / 2, Self.height - 12, "middle", xLabel))
        lines.append(
            "<text transform=\"translate(16 \(Self.height / 2)) rotate(-90)\" text-anchor=\"middle\">\(yLabel)</text>")
        for (index, curve) in series.enumerated() { lines += draw(curve, index) }
        lines.append("</svg>\n")
        return lines.joined(separator: "\n")
    }

    /// Some ten round values of an axis: the step is 1, 2 or 5 times a power of ten.
    private static func marks(_ range: ClosedRange<Double>) -> [Double] {
        let length = range.upperBound - range.lowerBound
        guard length > 0, length.isFinite else { return [range.lowerBound] }
        var step = 1.0
        while step * 10 < length { step *= 10 }
        while step > length { step /= 10 }
        step = [0.1, 0.2, 0.5, 1].map { $0 * step }.first { length / $0 <= 12 } ?? step
        return Array(stride(from: range.lowerBound, through: range.upperBound + step / 100, by: step))
    }

    private func grid(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" stroke=\"#ddd\"/>"
    }

    private func label(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(text)</text>"
    }

    private func draw(_ curve: Series, _ index: Int) -> [String] {
        let colour = Self.colours[index % Self.colours.count]
        let points = curve.points.map { "\(Report.number(x($0.x), 1)),\(Report.number(y($0.y), 1))" }
            .joined(separator: " ")
        var lines = ["<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"/>"]
        for point in curve.points where curve.points.count <= Self.markedPoints {
            lines.append("<circle cx=\"\(x(point.x))\" cy=\"\(y(point.y))\" r=\"3\" fill=\"\(colour)\"/>")
        }
        let place = Self.top + 14 + Double(index) * 20
        let side = Self.width - Self.right + 16
        lines.append("<rect x=\"\(side)\" y=\"\(place - 9)\" width=\"12\" height=\"4\" fill=\"\(colour)\"/>")
        lines.append(label(side + 18, place, "start", curve.name))
        return lines
    }
}
