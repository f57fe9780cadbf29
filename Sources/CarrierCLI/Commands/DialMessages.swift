import ArgumentParser
import Carrier
import NIOCore

/// `carrier dial --messages`: records on stdin become messages, and messages of the same opcode records on stdout.
struct DialMessages: Sendable {
    /// The form of a record, on both sides.
    enum Form: String, CaseIterable, ExpressibleByArgument, Sendable {
        /// A line is a message of bytes.
        case lines
        /// A line of JSON is a MessagePack message.
        case json
        /// Bytes behind their length, `u32` little-endian.
        case len32
    }

    /// How long stdin must have given nothing for an end by the peer to be in order, as with byte streams.
    private static let quiet: Duration = .milliseconds(200)

    let form: Form
    let opcode: Opcode
    let linger: Duration?
    let console: Console

    /// Sends until stdin ends, then waits for answers as long as `linger` says; prints what comes meanwhile.
    func run(_ peer: Peer, _ node: Node) async throws -> ExitCode {
        try await withThrowingTaskGroup(of: ExitCode?.self) { group in
            defer { group.cancelAll() }
            group.addTask(executorPreference: node.executor) { try await receive(peer, node) }
            group.addTask(executorPreference: node.executor) {
                try await send(peer)
                if let linger { try await Task.sleep(for: linger) }
                return .ok
            }
            let code = try await group.next() ?? .ok
            await peer.disconnect()
            return code ?? .ok
        }
    }

    private func send(_ peer: Peer) async throws {
        let limit = Frame.defaultBodyLimit
        let reader = try MessageReader("-", form == .len32 ? .len32 : .lines, limit: limit)
        var number = 0
        while let record = try await reader.next() {
            number += 1
            var frame = Frame(opcode, body: record)
            if form == .json { frame = try encode(record, line: number) }
            // Acknowledged, so that nothing is lost when stdin ends and this process with it.
            try await peer.send(frame, acknowledged: true)
        }
    }

    private func encode(_ record: ByteBuffer, line: Int) throws -> Frame {
        do {
            let value = try MsgpackValue(json: String(buffer: record))
            var body = ByteBuffer()
            try value.encode(into: &body)
            return Frame(opcode, codec: .msgpack, body: body)
        } catch {
            throw Failure(.data, target: "stdin", "line \(line): \(error)")
        }
    }

    private func receive(_ peer: Peer, _ node: Node) async throws -> ExitCode? {
        for await event in await node.events.includingMessages() {
            switch event {
            case .message(_, let frame) where frame.opcode == opcode: try show(frame)
            case .disconnected(_, let cause) where !cause.isOrderly:
                throw Failure(cause.exitCode(hasSpoken: true), target: "\(peer.info.address)", "\(cause)")
            case .disconnected:
                // A good-bye is no loss, unless there is more to send: who still reads stdin hears of it by then.
                try await Task.sleep(for: Self.quiet)
                return .ok
            default: break
            }
        }
        return .ok
    }

    private func show(_ frame: Frame) throws {
        switch form {
        case .lines:
            var line = frame.body
            line.writeInteger(UInt8(ascii: "\n"))
            line.withUnsafeReadableBytes { console.output.write($0) }
        case .len32:
            var record = ByteBuffer()
            record.writeInteger(UInt32(frame.body.readableBytes), endianness: .little)
            record.writeImmutableBuffer(frame.body)
            record.withUnsafeReadableBytes { console.output.write($0) }
        case .json:
            guard frame.codec == .msgpack else {
                return console.diagnostics.warning("a message of codec \(frame.codec) is not shown as JSON")
            }
            do { console.output.line(try MsgpackValue(msgpack: frame.body).json) } catch {
                console.diagnostics.warning("a message is no MessagePack: \(error)")
            }
        }
    }
}
