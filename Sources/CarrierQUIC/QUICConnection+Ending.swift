#if QUIC
    internal import CQUIC
    internal import CarrierTransport
    internal import NIOCore

    // How a connection ends, and how that is said.
    extension QUICConnection {
        /// The library gave up the connection.
        func fail(_ status: CInt) {
            guard let pointer, phase != .ended else { return }
            if cquic_is_draining(pointer) {
                var remote = cquic_end()
                cquic_remote_end(pointer, &remote)
                end(Self.error(of: &remote), saying: nil)
            } else {
                let alert = cquic_alert(pointer)
                let text =
                    alert == 0
                    ? String(cString: cquic_error(status)) : "TLS: \(String(cString: cquic_alert_name(alert)))"
                let isSilent = cquic_is_silent_end(status)
                let error: LinkError =
                    isInHandshake && alert == 0
                    ? .timeout : .reset(isSilent ? "expected a sign of life, heard nothing (\(text))" : text)
                end(error, saying: isSilent ? nil : status)
            }
        }

        private static func error(of remote: inout cquic_end) -> LinkError {
            if remote.is_orderly { return .endOfStream }
            if remote.alert >= 0 {
                return .reset(
                    "the other side refused the handshake: \(String(cString: cquic_alert_name(remote.alert)))")
            }
            let reason = withUnsafeBytes(of: remote.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return .reset(reason.isEmpty ? "the other side closed with code \(remote.code)" : reason)
        }

        /// - Parameter status: what the other side is told: 0 for an orderly end, an error of the library, nil for nothing.
        func end(_ error: LinkError, saying status: CInt?) {
            guard phase != .ended, let pointer else { return }
            let wasHandshake = phase == .handshake
            let remaining = cquic_farewell(pointer)
            if let status { sayFarewell(status) }
            phase = .ended
            timer?.cancel()
            timer = nil
            queue = SendQueue()
            endpoint.ended(self, for: .nanoseconds(Int64(clamping: max(remaining, 50_000_000))))
            if wasHandshake || onOutcome != nil { settle(.failure(error)) }
            // What came before the end is handed over first, except when it is this side that closes.
            endError = error
            if error == .closedHere || received.readableBytes == 0 { tell(error) } else { deliverSoon() }
        }

        func sayFarewell(_ status: CInt) {
            guard let pointer else { return }
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(CQUIC_MAX_DATAGRAM)) { room in
                let size = cquic_write_close(pointer, room.baseAddress, room.count, status, &farewellPath, Self.now())
                guard size > 0 else { return }
                let packet = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<size])
                farewell = ByteBuffer(bytes: packet)
                endpoint.send(packet, size, &farewellPath)
            }
        }

        /// Who still sends has not heard that it is over. Every second time as rarely as before, so that two such sides fall silent.
        func repeatFarewell() {
            guard let farewell else { return }
            unansweredPackets += 1
            guard unansweredPackets & (unansweredPackets - 1) == 0 else { return }
            farewell.withUnsafeReadableBytes { endpoint.send($0, $0.count, &farewellPath) }
        }

        /// Tells the owner that the link is over, once it is done with what it is at.
        func tell(_ error: LinkError) {
            guard !toldEnd, let delegate else { return }
            toldEnd = true
            self.delegate = nil
            endpoint.loop.assumeIsolated().execute { delegate.linkDidClose(error) }
        }

        /// The endpoint forgets the connection.
        func free() {
            timer?.cancel()
            timer = nil
            phase = .ended
            if let pointer {
                self.pointer = nil
                cquic_free(pointer)
            }
        }

        /// The socket is gone.
        func abandon() {
            guard phase != .ended else { return }
            end(.reset("the socket was closed"), saying: nil)
        }
    }
#endif
