internal import CDatagram
internal import Glibc
public import NIOCore
internal import NIOPosix

/// Hears what happens on a datagram socket, on its event loop.
public protocol DatagramSocketDelegate: AnyObject {
    /// Datagrams came: `bytes` holds several of `segment` bytes each, the last one perhaps shorter.
    ///
    /// - Parameters:
    ///   - bytes: the datagrams, one after the other.
    ///   - segment: the size of each but the last.
    ///   - remote: who sent them.
    ///   - local: where they were sent to.
    func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress)
    /// That was all for now.
    func socketDidReadAll()
    /// What waited has been sent.
    func socketDidDrain()
    /// The network says that nobody listens where a socket dials; it can be a lie.
    func socketWasRefused()
    /// The socket is gone; comes once, nothing comes after it.
    func socketDidClose()
}

/// A UDP socket, confined to its event loop. It reads through SwiftNIO and writes straight to the system: there a datagram
/// that cannot be sent, say because somebody made up its address, is lost alone and does not take the socket with it.
public final class DatagramSocket: ChannelInboundHandler {
    public typealias InboundIn = AddressedEnvelope<ByteBuffer>

    /// Bytes in one call of the system, and so the largest batch.
    public static let batchLimit = 65_000
    /// What the system is asked to keep for us; it caps it by its own limit.
    private static let bufferSize = 4 << 20
    /// How soon to try again when the system has no room. It says so only when megabytes wait.
    private static let retry: TimeAmount = .microseconds(500)
    /// How long what was sent may have no answer before the scout asks whether anybody listens there; a node answers sooner
    /// as a rule, and never hears of a scout.
    private static let patience: TimeAmount = .milliseconds(200)
    /// When the scout looks for an answer after that; the last time it waits for the next datagram that nobody answers.
    private static let looks: [TimeAmount] = [.milliseconds(5), .milliseconds(50), .milliseconds(250), .seconds(1)]

    /// Who gets what arrives; held until the socket is closed. Not weakly: every datagram would pay for that.
    public var delegate: (any DatagramSocketDelegate)?
    /// Where all of it happens.
    public let loop: any EventLoop
    /// Where the socket is bound.
    public private(set) var localAddress: SocketAddress
    /// Whether many datagrams of equal size can be sent at once.
    public private(set) var canSegment: Bool

    /// The only address to exchange datagrams with; nil for all.
    private let remoteAddress: SocketAddress?
    /// Asks whether anybody is at that address.
    private var scout: DatagramScout?
    /// Whether the scout has something to do, and whether that address has been heard of since.
    private var (isScouting, hasHeard) = (false, false)
    private let namesSource: Bool
    private let channel: any Channel
    private var descriptor: CInt = -1
    private var waiting: [Waiting] = []

    private struct Waiting {
        let bytes: ByteBuffer
        let segment: Int
        let remote: SocketAddress?
        let local: SocketAddress?
    }

    /// Binds a socket.
    ///
    /// - Parameters:
    ///   - address: where to bind; with `remote`, ignored: then it is where the way there begins.
    ///   - remote: the only address to exchange datagrams with; nil for all.
    ///   - usesOffload: whether the system cuts and joins datagrams for us (GSO, GRO).
    ///   - loop: where the socket lives.
    /// - Throws (in the future): the system's error.
    public static func open(
        on address: SocketAddress, remote: SocketAddress? = nil, usesOffload: Bool, loop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<DatagramSocket>> {
        let scout: DatagramScout?
        var place = address
        do {
            scout = try remote.map { try DatagramScout(to: $0) }
            if let local = scout?.local {
                place = local
                place.port = 0
            }
        } catch { return loop.makeFailedFuture(error) }
        let joins = usesOffload && System.supportsUDPReceiveOffload
        var bootstrap = DatagramBootstrap(group: loop)
            .channelOption(.socketOption(.so_rcvbuf), value: bufferSize)
            .channelOption(.socketOption(.so_sndbuf), value: bufferSize)
            .channelOption(.maxMessagesPerRead, value: 64)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
        if joins {
            bootstrap = bootstrap.channelOption(.datagramReceiveOffload, value: true)
                .channelOption(.datagramReceiveSegmentSize, value: true)
        }
        if remote == nil { bootstrap = bootstrap.channelOption(.receivePacketInfo, value: true) }
        return bootstrap.bind(to: place).flatMapThrowing { channel in
            let socket = try DatagramSocket(
                channel, scout, canSegment: usesOffload && System.supportsUDPSegmentationOffload)
            try channel.pipeline.syncOperations.addHandler(socket)
            return NIOLoopBound(socket, eventLoop: loop)
        }.flatMapErrorThrowing { error in
            scout?.close()
            throw error
        }
    }

    private init(_ channel: any Channel, _ scout: DatagramScout?, canSegment: Bool) throws {
        guard let local = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        self.channel = channel
        self.canSegment = canSegment
        loop = channel.eventLoop
        self.scout = scout
        remoteAddress = scout?.remote
        localAddress = local
        namesSource = scout == nil && (local.ipAddress == "0.0.0.0" || local.ipAddress == "::")
        guard let number = channel.descriptor else { throw ChannelError.operationUnsupported }
        descriptor = number
        let family: CInt =
            switch local {
            case .v6: AF_INET6
            default: AF_INET
            }
        // Without it the path MTU stays what it is assumed to be: no reason to fail.
        _ = cdatagram_forbid_fragments(descriptor, family)
    }

    // MARK: Sending

    /// Whether datagrams wait for the system: better send no more.
    public var isFull: Bool { !waiting.isEmpty }
    /// Whether a datagram is there that was not read yet; nil once the socket is closed.
    public var hasArrived: Bool? { isReadable(descriptor) }

    /// Sends datagrams of `segment` bytes each, the last one perhaps shorter.
    ///
    /// - Parameters:
    ///   - bytes: the datagrams, one after the other.
    ///   - segment: the size of each but the last.
    ///   - remote: where to; ignored by a socket that dials.
    ///   - local: the source address, where the socket is bound to all; nil for the system's choice.
    public func send(
        _ bytes: UnsafeRawBufferPointer, segment: Int, to remote: SocketAddress?, from local: SocketAddress? = nil
    ) {
        if scout != nil, !isScouting { sendScout() }
        guard waiting.isEmpty, sendNow(bytes, segment, remote, local) else {
            waiting.append(Waiting(bytes: ByteBuffer(bytes: bytes), segment: segment, remote: remote, local: local))
            if waiting.count == 1 { retryLater() }
            return
        }
    }

    /// - Returns: false when the system has no room.
    private func sendNow(
        _ bytes: UnsafeRawBufferPointer, _ segment: Int, _ remote: SocketAddress?, _ local: SocketAddress?
    ) -> Bool {
        guard descriptor >= 0, bytes.count > 0 else { return true }
        if bytes.count > segment, !canSegment {
            return sendApart(bytes, segment, remote, local)
        }
        switch callSystem(bytes, segment, remote, local) {
        case EAGAIN, ENOBUFS: return false
        case EIO where bytes.count > segment:
            // The device cannot cut datagrams after all.
            canSegment = false
            return sendApart(bytes, segment, remote, local)
        case EINVAL where bytes.count > segment, EMSGSIZE where bytes.count > segment:
            // These are larger than the way there takes, which says nothing of others.
            return sendApart(bytes, segment, remote, local)
        default: break
        }
        return true
    }

    /// Sends them one by one; what the system has no room for after the first is lost, as on any network.
    private func sendApart(
        _ bytes: UnsafeRawBufferPointer, _ segment: Int, _ remote: SocketAddress?, _ local: SocketAddress?
    ) -> Bool {
        var start = 0
        while start < bytes.count {
            let end = min(start + max(segment, 1), bytes.count)
            let status = callSystem(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), segment, remote, local)
            if start == 0, status == EAGAIN || status == ENOBUFS { return false }
            start = end
        }
        return true
    }

    private func callSystem(
        _ bytes: UnsafeRawBufferPointer, _ segment: Int, _ remote: SocketAddress?, _ local: SocketAddress?
    ) -> CInt {
        func send(_ target: UnsafePointer<sockaddr>?, _ size: Int) -> CInt {
            guard namesSource, let local else {
                return cdatagram_send(descriptor, bytes.baseAddress, bytes.count, segment, target, socklen_t(size), nil)
            }
            return local.withSockAddr { source, _ in
                cdatagram_send(descriptor, bytes.baseAddress, bytes.count, segment, target, socklen_t(size), source)
            }
        }
        guard let target = remoteAddress ?? remote else { return EDESTADDRREQ }
        return target.withSockAddr { send($0, $1) }
    }

    private func retryLater() {
        loop.assumeIsolated().scheduleTask(in: Self.retry) { [self] in drain() }
    }

    private func drain() {
        var index = 0
        while index < waiting.count {
            let next = waiting[index]
            let isSent = next.bytes.withUnsafeReadableBytes { sendNow($0, next.segment, next.remote, next.local) }
            guard isSent else { break }
            index += 1
        }
        waiting.removeFirst(min(index, waiting.count))
        if waiting.isEmpty { delegate?.socketDidDrain() } else { retryLater() }
    }

    /// Closes the socket; what waits to be sent is dropped.
    public func close() {
        descriptor = -1
        waiting = []
        dismissScout()
        channel.close(promise: nil)
    }

    // MARK: Whether anybody is there

    /// Something is sent: when nothing comes back, the scout asks.
    private func sendScout() {
        (isScouting, hasHeard) = (true, false)
        loop.assumeIsolated().scheduleTask(in: Self.patience) { [self] in
            if !hasHeard { scout?.knock() }
            awaitScout(Self.looks[...])
        }
    }

    private func awaitScout(_ looks: ArraySlice<TimeAmount>) {
        guard !hasHeard, let pause = looks.first else {
            isScouting = false
            return
        }
        loop.assumeIsolated().scheduleTask(in: pause) { [self] in
            guard let scout else { return }
            guard scout.isRefused else { return awaitScout(looks.dropFirst()) }
            dismissScout()
            delegate?.socketWasRefused()
        }
    }

    private func dismissScout() {
        scout?.close()
        scout = nil
    }

    // MARK: Reading

    /// What NIO calls when a datagram is here; not for applications.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let count = envelope.data.readableBytes
        // Nobody can be answered at port 0.
        guard count > 0, envelope.remoteAddress.port != 0 else { return }
        if let remoteAddress {
            guard envelope.remoteAddress == remoteAddress else { return }
            hasHeard = true
        }
        var local = localAddress
        if namesSource, var destination = envelope.metadata?.packetInfo?.destinationAddress {
            destination.port = local.port
            local = destination
        }
        let segment = envelope.metadata?.segmentSize ?? count
        delegate?.socketDidRead(
            envelope.data, segment: segment > 0 ? segment : count, from: envelope.remoteAddress, to: local)
    }

    /// What NIO calls when all that was here is read; not for applications.
    public func channelReadComplete(context: ChannelHandlerContext) {
        delegate?.socketDidReadAll()
    }

    /// One datagram more that was lost.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    /// What NIO calls when the socket is closed; not for applications.
    public func channelInactive(context: ChannelHandlerContext) {
        descriptor = -1
        waiting = []
        dismissScout()
        let delegate = delegate
        self.delegate = nil
        delegate?.socketDidClose()
    }
}
