internal import CarrierProtocols
internal import CarrierWire

/// Takes the byte stream of a connection, on the node's loop.
protocol StreamConsumer: AnyObject {
    /// A `Bytes` frame came.
    func streamDidReceive(_ frame: Frame)
    /// There is room to send.
    func streamCanSend()
    /// The connection is over.
    func streamDidClose(_ cause: DisconnectCause)
}
