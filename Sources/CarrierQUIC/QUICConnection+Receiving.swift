#if QUIC
    internal import CQUIC
    internal import CarrierTransport
    internal import NIOCore

    // What comes: packets to the library, bytes of the stream to the owner.
    extension QUICConnection {
        /// How long a link that its owner has left may go on sending what waits.
        private static let linger: TimeAmount = .seconds(2)

        func read(_ packet: UnsafeRawBufferPointer, _ path: inout cquic_path, now: UInt64) {
            guard let pointer else { return }
            guard phase != .ended else { return repeatFarewell() }
            heardAt = .uptimeNanoseconds(now)
            refusedAt = nil
            let status = cquic_read(
                pointer, &path, packet.bindMemory(to: UInt8.self).baseAddress, packet.count, now)
            if status != 0 { fail(status) }
        }

        /// A batch of packets was read: hands on what came, answers.
        func didReadAll() {
            if becameOpen { open() }
            deliver()
            if phase != .ended { pump() }
            endIfDone()
        }

        func open() {
            becameOpen = false
            guard let pointer, phase == .handshake else { return }
            phase = .open
            guard isOutbound else { return endpoint.accepted(self) }
            let status = cquic_open_stream(pointer)
            guard status == 0 else {
                return end(.reset("the other side takes no stream: \(String(cString: cquic_error(status)))"), saying: 0)
            }
            settle(.success(self))
        }

        func settle(_ result: Result<any Link, LinkError>) {
            let outcome = onOutcome
            onOutcome = nil
            outcome?(result)
        }

        func deliverSoon() {
            endpoint.loop.assumeIsolated().execute { [self] in
                deliver()
                if phase != .ended { pump() }
                endIfDone()
            }
        }

        /// Gives the owner what came, while it reads; only then may the other side send more.
        func deliver() {
            guard let delegate, isReading else { return }
            let count = received.readableBytes
            if count > 0 {
                let bytes = received
                received = ByteBuffer()
                lastReceived = count
                if phase != .ended, let pointer { cquic_consumed(pointer, UInt64(count)) }
                delegate.linkDidRead(bytes)
                delegate.linkDidReadAll()
            }
            guard received.readableBytes == 0, isReading else { return }
            if let endError { return tell(endError) }
            if heardEnd, !wantsEnd {
                // The owner hears of the end at once; what it gave still goes out.
                wantsEnd = true
                detach()
            }
        }

        func detach() {
            guard !isDetached else { return }
            isDetached = true
            tell(.endOfStream)
            endpoint.loop.assumeIsolated().scheduleTask(in: Self.linger) { [self] in
                if phase != .ended { end(.endOfStream, saying: 0) }
            }
        }

        /// Both directions are over and the other side knows: nothing is left to say.
        func endIfDone() {
            guard phase == .open, isStreamOver, received.readableBytes == 0 else { return }
            // The acknowledgement of its last packet goes before the good-bye.
            pump()
            guard phase == .open else { return }
            end(streamCode == 0 ? .endOfStream : .reset("the other side gave up the stream"), saying: 0)
        }
    }
#endif
