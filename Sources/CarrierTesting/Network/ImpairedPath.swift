internal import CarrierTransport
public import CarrierWire
public import NIOCore

/// A stretch of network between somebody who dials and a UDP socket on loopback, which loses, doubles, delays and reorders
/// datagrams: the same ones for the same seed and the same traffic.
public final class ImpairedPath: Sendable {
    /// What the path does to datagrams. Shares are of all datagrams, in both directions.
    public struct Faults: Sendable {
        /// Lost, 0 to 1.
        public var loss = 0.0
        /// Sent twice, 0 to 1.
        public var doubling = 0.0
        /// Held back for ten times the delay, at least 2 ms, so that later ones overtake them, 0 to 1.
        public var reordering = 0.0
        /// One way.
        public var delay: Duration = .zero
        /// Bytes of a datagram above which it is lost, as on a path with a smaller MTU.
        public var largest = Int.max

        public init(
            loss: Double = 0, doubling: Double = 0, reordering: Double = 0, delay: Duration = .zero,
            largest: Int = .max
        ) {
            self.largest = largest
            self.loss = loss
            self.doubling = doubling
            self.reordering = reordering
            self.delay = delay
        }
    }

    /// Where to dial instead of the target.
    public let address: Address
    private let core: NIOLoopBound<PathCore>

    private init(_ core: NIOLoopBound<PathCore>, address: Address) {
        self.core = core
        self.address = address
    }

    /// Starts a path to `target`, an address with an IP host. It carries one dialler.
    public static func start(
        to target: Address, _ faults: Faults, seed: UInt64, loop: any EventLoop
    ) async throws -> ImpairedPath {
        let near = try await DatagramSocket.open(
            on: SocketAddress(ipAddress: "127.0.0.1", port: 0), usesOffload: false, loop: loop
        ).get()
        let remote = try SocketAddress(ipAddress: target.host, port: Int(target.port))
        let core = try await loop.submit {
            let core = PathCore(near.value, remote, faults, SeededRandom(seed))
            near.value.delegate = core.nearSide
            return (NIOLoopBound(core, eventLoop: loop), near.value.localAddress.port ?? 0)
        }.get()
        let path = ImpairedPath(
            core.0,
            address: Address(
                scheme: target.scheme, peer: target.peer, host: "127.0.0.1", port: UInt16(truncatingIfNeeded: core.1)))
        try await path.move()
        return path
    }

    /// From now on the target sees the dialler at another port, as when a NAT forgets a mapping.
    public func move() async throws {
        let core = core
        let loop = core.eventLoop
        try await loop.flatSubmit {
            DatagramSocket.open(
                on: core.value.target, remote: core.value.target, usesOffload: false, loop: loop
            ).map { core.value.replaceFarSide($0.value) }
        }.get()
    }

    /// From now on the path leads somewhere else, as when a node is started again.
    public func lead(to target: Address) async throws {
        let remote = try SocketAddress(ipAddress: target.host, port: Int(target.port))
        let core = core
        try await core.eventLoop.submit { core.value.target = remote }.get()
        try await move()
    }

    /// From now on the path does this to datagrams.
    public func change(to faults: Faults) async {
        let core = core
        try? await core.eventLoop.submit {
            core.value.faults = faults
            core.value.largestSeen = 0
        }.get()
    }

    /// How many datagrams the path has seen and how many it lost.
    public var counts: (seen: Int, lost: Int) {
        get async {
            let core = core
            let both = try? await core.eventLoop.submit { [core.value.seen, core.value.lost] }.get()
            return (both?[0] ?? 0, both?[1] ?? 0)
        }
    }

    /// Bytes of the largest datagram that the path has seen since it was changed last, lost or not.
    public var largestSeen: Int {
        get async {
            let core = core
            return (try? await core.eventLoop.submit { core.value.largestSeen }.get()) ?? 0
        }
    }

    public func close() async {
        let core = core
        try? await core.eventLoop.submit { core.value.close() }.get()
    }
}

/// The two sockets of a path, on their loop.
private final class PathCore {
    var target: SocketAddress
    let nearSide = PathSide()
    private let near: DatagramSocket
    private var far: DatagramSocket?
    private var dialler: SocketAddress?
    var faults: ImpairedPath.Faults
    private var random: SeededRandom
    var seen = 0
    var largestSeen = 0
    var lost = 0

    init(_ near: DatagramSocket, _ target: SocketAddress, _ faults: ImpairedPath.Faults, _ random: SeededRandom) {
        self.near = near
        self.target = target
        self.faults = faults
        self.random = random
        nearSide.take = { [weak self] bytes, source in
            self?.dialler = source
            self?.carry(bytes) { $0.far?.send($1, segment: $1.count, to: nil) }
        }
    }

    func replaceFarSide(_ socket: DatagramSocket) {
        far?.close()
        let side = PathSide()
        side.take = { [weak self] bytes, _ in
            self?.carry(bytes) { $0.near.send($1, segment: $1.count, to: $0.dialler) }
        }
        socket.delegate = side
        far = socket
    }

    private func carry(_ bytes: ByteBuffer, _ send: @escaping (PathCore, UnsafeRawBufferPointer) -> Void) {
        seen += 1
        largestSeen = max(largestSeen, bytes.readableBytes)
        if bytes.readableBytes > faults.largest || happens(faults.loss) {
            lost += 1
            return
        }
        var delay = TimeAmount(faults.delay)
        if happens(faults.reordering) { delay = max(delay * 10, .milliseconds(2)) }
        for _ in 0..<(happens(faults.doubling) ? 2 : 1) {
            if delay == .zero {
                bytes.withUnsafeReadableBytes { send(self, $0) }
            } else {
                near.loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
                    guard let self else { return }
                    bytes.withUnsafeReadableBytes { send(self, $0) }
                }
            }
        }
    }

    private func happens(_ share: Double) -> Bool { share > 0 && Double.random(in: 0..<1, using: &random) < share }

    func close() {
        near.close()
        far?.close()
        far = nil
    }
}

/// Hears one socket of a path.
private final class PathSide: DatagramSocketDelegate {
    var take: (ByteBuffer, SocketAddress) -> Void = { _, _ in }

    func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress) {
        var rest = bytes
        while rest.readableBytes > 0, let one = rest.readSlice(length: min(segment, rest.readableBytes)) {
            take(one, remote)
        }
    }

    func socketDidReadAll() {}
    func socketDidDrain() {}
    func socketWasRefused() {}
    func socketDidClose() {}
}
