internal import NIOCore
internal import NIOPosix

extension Channel {
    /// The number of its socket, for calls that go straight to the system; good only as long as the channel is open. To be asked
    /// for on its event loop; nil when the socket is closed, and of channels that have none.
    var descriptor: CInt? {
        try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
    }
}
