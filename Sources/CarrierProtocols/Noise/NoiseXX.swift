public import CarrierCrypto
public import NIOCore

/// `Noise_XX_25519_AESGCM_SHA256` (Noise Protocol Framework, revision 34) as a chain of states, each of which is
/// consumed by the step that leads to the next: a step out of order, or twice, does not compile.
///
///     -> e
///     <- e, ee, s, es
///     -> s, se
public enum NoiseXX {
    static let name: StaticString = "Noise_XX_25519_AESGCM_SHA256"

    /// Why a handshake message was refused.
    public enum Failure: Error, Equatable {
        /// The message is shorter than its keys and tags.
        case truncated(message: Int, expected: Int, got: Int)
        /// A key or a tag was refused.
        case crypto(CryptoError)
    }

    /// The initiator, before message 1.
    public struct Initiator: ~Copyable {
        private var symmetric: NoiseSymmetricState
        private let staticKey: X25519.PrivateKey
        private let ephemeral: X25519.PrivateKey

        /// Before the first message; both sides must agree on the prologue.
        public init(prologue: ByteBuffer, staticKey: X25519.PrivateKey, ephemeral: X25519.PrivateKey) {
            symmetric = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: prologue)
            self.staticKey = staticKey
            self.ephemeral = ephemeral
        }

        /// Writes `e` and the payload in the clear.
        public consuming func writeMessage1(
            payload: ByteBuffer = ByteBuffer(), into output: inout ByteBuffer
        ) throws(Failure) -> InitiatorAwaitingMessage2 {
            symmetric.mix(hash: ephemeral.publicKey)
            ephemeral.publicKey.withUnsafeBytes { _ = output.writeBytes($0) }
            do throws(CryptoError) {
                try symmetric.encryptAndHash(payload, into: &output)
            } catch { throw .crypto(error) }
            return InitiatorAwaitingMessage2(symmetric: symmetric, staticKey: staticKey, ephemeral: ephemeral)
        }
    }

    /// The initiator, waiting for message 2.
    public struct InitiatorAwaitingMessage2: ~Copyable {
        fileprivate var symmetric: NoiseSymmetricState
        fileprivate let staticKey: X25519.PrivateKey
        fileprivate let ephemeral: X25519.PrivateKey

        /// Reads `e, ee, s, es` and gives the responder's static key and payload.
        public consuming func readMessage2(
            _ message: ByteBuffer, received: inout Received
        ) throws(Failure) -> InitiatorBeforeMessage3 {
            var message = message
            let remote = try NoiseXX.readEphemeral(2, &message, expected: 96)
            symmetric.mix(hash: remote)
            do throws(CryptoError) {
                try symmetric.mix(key: ephemeral.sharedSecret(with: remote))
                let remoteStatic = try NoiseXX.readStatic(&message, &symmetric)
                try symmetric.mix(key: ephemeral.sharedSecret(with: remoteStatic))
                received = Received(staticKey: remoteStatic, payload: try symmetric.decryptAndHash(message))
            } catch { throw .crypto(error) }
            return InitiatorBeforeMessage3(symmetric: symmetric, staticKey: staticKey, remoteEphemeral: remote)
        }
    }

    /// The initiator, before message 3.
    public struct InitiatorBeforeMessage3: ~Copyable {
        fileprivate var symmetric: NoiseSymmetricState
        fileprivate let staticKey: X25519.PrivateKey
        fileprivate let remoteEphemeral: Bytes32

        /// Writes `s, se` and the payload; the session's keys are ready then.
        public consuming func writeMessage3(
            payload: ByteBuffer, into output: inout ByteBuffer
        ) throws(Failure) -> NoiseKeys {
            do throws(CryptoError) {
                try symmetric.encryptAndHash(NoiseXX.buffer(staticKey.publicKey), into: &output)
                try symmetric.mix(key: staticKey.sharedSecret(with: remoteEphemeral))
                try symmetric.encryptAndHash(payload, into: &output)
                return try symmetric.split()
            } catch { throw .crypto(error) }
        }
    }

    /// The responder, waiting for message 1.
    public struct Responder: ~Copyable {
        private var symmetric: NoiseSymmetricState
        private let staticKey: X25519.PrivateKey
        private let ephemeral: X25519.PrivateKey

        /// Before the first message; both sides must agree on the prologue.
        public init(prologue: ByteBuffer, staticKey: X25519.PrivateKey, ephemeral: X25519.PrivateKey) {
            symmetric = NoiseSymmetricState(protocolName: NoiseXX.name, prologue: prologue)
            self.staticKey = staticKey
            self.ephemeral = ephemeral
        }

        /// Reads `e` and the payload in the clear.
        public consuming func readMessage1(
            _ message: ByteBuffer, payload: inout ByteBuffer
        ) throws(Failure) -> ResponderBeforeMessage2 {
            var message = message
            let remote = try NoiseXX.readEphemeral(1, &message, expected: 32)
            symmetric.mix(hash: remote)
            do throws(CryptoError) {
                payload = try symmetric.decryptAndHash(message)
            } catch { throw .crypto(error) }
            return ResponderBeforeMessage2(
                symmetric: symmetric, staticKey: staticKey, ephemeral: ephemeral, remoteEphemeral: remote)
        }
    }

    /// The responder, before message 2.
    public struct ResponderBeforeMessage2: ~Copyable {
        fileprivate var symmetric: NoiseSymmetricState
        fileprivate let staticKey: X25519.PrivateKey
        fileprivate let ephemeral: X25519.PrivateKey
        fileprivate let remoteEphemeral: Bytes32

        /// Writes `e, ee, s, es` and the payload.
        public consuming func writeMessage2(
            payload: ByteBuffer, into output: inout ByteBuffer
        ) throws(Failure) -> ResponderAwaitingMessage3 {
            symmetric.mix(hash: ephemeral.publicKey)
            ephemeral.publicKey.withUnsafeBytes { _ = output.writeBytes($0) }
            do throws(CryptoError) {
                try symmetric.mix(key: ephemeral.sharedSecret(with: remoteEphemeral))
                try symmetric.encryptAndHash(NoiseXX.buffer(staticKey.publicKey), into: &output)
                try symmetric.mix(key: staticKey.sharedSecret(with: remoteEphemeral))
                try symmetric.encryptAndHash(payload, into: &output)
            } catch { throw .crypto(error) }
            return ResponderAwaitingMessage3(symmetric: symmetric, ephemeral: ephemeral)
        }
    }

    /// The responder, waiting for message 3.
    public struct ResponderAwaitingMessage3: ~Copyable {
        fileprivate var symmetric: NoiseSymmetricState
        fileprivate let ephemeral: X25519.PrivateKey

        /// Reads `s, se` and gives the initiator's static key and payload; the session's keys are ready then.
        public consuming func readMessage3(
            _ message: ByteBuffer, received: inout Received
        ) throws(Failure) -> NoiseKeys {
            var message = message
            guard message.readableBytes >= 64 else {
                throw .truncated(message: 3, expected: 64, got: message.readableBytes)
            }
            do throws(CryptoError) {
                let remoteStatic = try NoiseXX.readStatic(&message, &symmetric)
                try symmetric.mix(key: ephemeral.sharedSecret(with: remoteStatic))
                received = Received(staticKey: remoteStatic, payload: try symmetric.decryptAndHash(message))
                return try symmetric.split()
            } catch { throw .crypto(error) }
        }
    }

    /// What a message told about the other side.
    public struct Received: Sendable {
        /// The far side's static key; zero where a message holds none.
        public var staticKey: Bytes32
        /// What it sent along.
        public var payload: ByteBuffer

        /// A key and a payload; by default nothing yet.
        public init(staticKey: Bytes32 = .zero, payload: ByteBuffer = ByteBuffer()) {
            self.staticKey = staticKey
            self.payload = payload
        }
    }

    private static func readEphemeral(
        _ number: Int, _ message: inout ByteBuffer, expected: Int
    ) throws(Failure) -> Bytes32 {
        guard message.readableBytes >= expected, let key = Bytes32(message.readableBytesView.prefix(32)) else {
            throw .truncated(message: number, expected: expected, got: message.readableBytes)
        }
        message.moveReaderIndex(forwardBy: 32)
        return key
    }

    private static func readStatic(
        _ message: inout ByteBuffer, _ symmetric: inout NoiseSymmetricState
    ) throws(CryptoError) -> Bytes32 {
        guard
            let sealed = message.readSlice(length: 32 + AESGCM.tagSize),
            let key = Bytes32(try symmetric.decryptAndHash(sealed).readableBytesView)
        else { throw .authenticationFailed }
        return key
    }

    private static func buffer(_ key: Bytes32) -> ByteBuffer {
        var buffer = ByteBuffer()
        key.withUnsafeBytes { _ = buffer.writeBytes($0) }
        return buffer
    }
}
