import Carrier
import CarrierCapture
import Glibc
import NIOCore
import Synchronization

/// The capture that `--record` writes: every frame in the clear, as it passes.
final class RecordingOutput: Sendable {
    private let descriptor: Int32
    private let path: String
    private let console: Console
    private let hasFailed = Mutex(false)

    init(_ path: String, _ console: Console) throws {
        self.path = path
        self.console = console
        descriptor = path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            throw Failure(.exists, target: path, "cannot create the recording: \(Descriptors.reason(errno))")
        }
        write(CaptureWriter.fileHeader)
    }

    deinit {
        if descriptor != STDOUT_FILENO { close(descriptor) }
    }

    /// Adds a frame.
    func append(_ recorded: RecordedFrame) {
        var packet = ByteBuffer()
        CaptureWriter.write(
            recorded.frame, recorded.isSent ? .sent : .received, peer: recorded.peer,
            time: recorded.unixMicroseconds, to: &packet)
        write(packet)
    }

    private func write(_ bytes: ByteBuffer) {
        let failure = bytes.withUnsafeReadableBytes { Descriptors.writeAll($0, to: descriptor) }
        guard failure != 0 else { return }
        if descriptor == STDOUT_FILENO {
            return console.supervisor.stop(failure == EPIPE ? .readerGone : .outputFailed(failure))
        }
        let isFirst = hasFailed.withLock { failed in
            defer { failed = true }
            return !failed
        }
        if isFirst { console.diagnostics.error("\(path): cannot write: \(Descriptors.reason(failure))") }
    }
}
