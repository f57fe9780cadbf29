internal import CarrierWire
internal import NIOCore

/// A source of bytes whose beginning can be looked at before it is read.
final class PeekedSource {
    private let source: () throws -> ByteBuffer?
    private var peeked = ByteBuffer()
    private var isAtEnd = false

    init(_ source: @escaping () throws -> ByteBuffer?) { self.source = source }

    /// The next bytes, never none; nil at the end.
    func next() throws -> ByteBuffer? {
        if peeked.readableBytes > 0 {
            defer { peeked = ByteBuffer() }
            return peeked
        }
        while !isAtEnd {
            guard let piece = try source() else {
                isAtEnd = true
                return nil
            }
            if piece.readableBytes > 0 { return piece }
        }
        return nil
    }

    /// Gives bytes back, to be read again.
    func putBack(_ bytes: ByteBuffer) {
        var all = bytes
        all.writeImmutableBuffer(peeked)
        peeked = all
    }

    private func peekMore() throws {
        guard let piece = try source() else {
            isAtEnd = true
            return
        }
        peeked.writeImmutableBuffer(piece)
    }

    /// Guesses the form, reading no more than it takes.
    func guess() throws -> InputForm {
        while true {
            if peeked.readableBytes > 0 || isAtEnd, let form = InputForm.guess(peeked, isWhole: isAtEnd) { return form }
            try peekMore()
        }
    }

    /// Whether a session's preface begins the input.
    func beginsWithPreface() throws -> Bool {
        while peeked.readableBytes < Preface.magic.count + 1, Preface.canBegin(with: peeked), !isAtEnd {
            try peekMore()
        }
        return peeked.readableBytes > Preface.magic.count && Preface.canBegin(with: peeked)
    }
}
