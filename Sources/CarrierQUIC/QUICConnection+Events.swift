#if QUIC
    internal import CQUIC
    internal import NIOCore

    // What the library tells while it runs.
    extension QUICConnection {
        /// Bytes for which room is made before they have come.
        private static let roomAtOnce = 512 * 1024

        /// The callbacks only note what happened: they run inside the library.
        static func events() -> cquic_events {
            cquic_events(
                completed: { QUICConnection.of($0)?.handshakeCompleted() },
                confirmed: { QUICConnection.of($0)?.becameOpen = true },
                received: { QUICConnection.of($0)?.didReceive($1, $2, isLast: $3) },
                acknowledged: { QUICConnection.of($0)?.queue.acknowledged(Int(clamping: $1)) },
                stream_closed: { QUICConnection.of($0)?.streamClosed($1) },
                unblocked: { _ in },
                added: { QUICConnection.of($0)?.added($1, $2) },
                removed: { QUICConnection.of($0)?.removed($1, $2) },
                keys: { owner, line in
                    if let line { QUICConnection.of(owner)?.endpoint.logKeys?(String(cString: line)) }
                })
        }

        private static func of(_ owner: UnsafeMutableRawPointer?) -> QUICConnection? {
            owner.map { Unmanaged<QUICConnection>.fromOpaque($0).takeUnretainedValue() }
        }

        func handshakeCompleted() {
            // A side that dialled waits for the other side to accept its certificate too.
            if !isOutbound { becameOpen = true }
        }

        func didReceive(_ bytes: UnsafePointer<UInt8>?, _ count: Int, isLast: Bool) {
            if isLast { heardEnd = true }
            guard count > 0 else { return }
            // As much room as the last time: else what comes is copied again each time that it outgrows its memory.
            if received.capacity == 0 {
                received = ByteBufferAllocator().buffer(capacity: max(count, min(lastReceived, Self.roomAtOnce)))
            }
            received.writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
            receivedAt = heardAt
            if !isFast { setFast(true) }
        }

        func streamClosed(_ code: UInt64) {
            isStreamOver = true
            if code != 0 { streamCode = code }
        }

        func added(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
            let id = ConnectionID(UnsafeBufferPointer(start: bytes, count: count))
            ids.insert(id)
            endpoint.add(id, self)
        }

        func removed(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
            let id = ConnectionID(UnsafeBufferPointer(start: bytes, count: count))
            ids.remove(id)
            endpoint.remove(id)
        }
    }
#endif
