public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// The handshake over a stream of bytes (carrier-wire(7) §4.1–4.2): feed it what arrives, send what it says.
///
/// Over a link that has authenticated the other side already (§7) it is short: each side's preface and Hello, in the clear.
public struct StreamHandshake: ~Copyable {
    /// The most bytes of a handshake message.
    public static let messageLimit = 4096

    /// What must happen next.
    public enum Outcome: ~Copyable {
        /// Wait for more bytes, after sending these.
        case more(send: ByteBuffer?)
        /// The session stands, after sending these; `takeRest` has what came after the handshake.
        case established(send: ByteBuffer?, Session)
        /// Close the link, after sending these.
        case failed(HandshakeError, send: ByteBuffer?)
    }

    private enum State: ~Copyable {
        case awaitingMessage1
        case awaitingMessage2(NoiseXX.InitiatorAwaitingMessage2)
        case awaitingMessage3(NoiseXX.ResponderAwaitingMessage3)
        case awaitingHello(of: PeerID)
    }

    private let terms: HandshakeTerms
    private let isInitiator: Bool
    private let record: PeerRecord
    private let observedAddress: String
    private let pinned: PeerID?
    /// Who the link says is there; nil where the link says nothing.
    private let authenticated: PeerID?
    private var state: State?
    private var input = ByteBuffer()
    private var prefaceSeen = false
    /// What the initiator sent first: the prologue of the transcript.
    private var initiatorPreface: Preface
    private var initiatorEphemeral: Bytes32?

    /// A responder, waiting for the initiator's first bytes.
    ///
    /// - Parameters:
    ///   - terms: what both sides must agree on, and who we are.
    ///   - record: what this node tells about itself.
    ///   - observedAddress: where the other side is seen, for the Hello.
    ///   - authenticated: whom the link has authenticated; nil where it leaves that to the handshake.
    public init(
        responderWith terms: HandshakeTerms, record: PeerRecord, observedAddress: String, authenticated: PeerID? = nil
    ) {
        self.init(terms, isInitiator: false, record, observedAddress, pinned: nil, authenticated)
        state = if let authenticated { .awaitingHello(of: authenticated) } else { .awaitingMessage1 }
    }

    /// An initiator, and the bytes to send first.
    ///
    /// - Parameters:
    ///   - terms: what both sides must agree on, and who we are.
    ///   - record: what this node tells about itself.
    ///   - observedAddress: where the other side is seen, for the Hello.
    ///   - pinned: the peer that must answer; nil for any.
    ///   - authenticated: whom the link has authenticated; nil where it leaves that to the handshake.
    ///   - output: takes the bytes to send first.
    public init(
        initiatorWith terms: HandshakeTerms, record: PeerRecord, observedAddress: String, pinned: PeerID?,
        authenticated: PeerID? = nil, send output: inout ByteBuffer
    ) throws(HandshakeError) {
        self.init(terms, isInitiator: true, record, observedAddress, pinned: pinned, authenticated)
        initiatorPreface.encode(into: &output)
        if let authenticated {
            if let pinned, pinned != authenticated { throw .wrongPeer(expected: pinned, got: authenticated) }
            Self.frame(hello(), into: &output)
            state = .awaitingHello(of: authenticated)
            return
        }
        do throws(CryptoError) {
            let ephemeral = try X25519.PrivateKey.generate()
            initiatorEphemeral = ephemeral.publicKey
            let noise = NoiseXX.Initiator(
                prologue: initiatorPreface.encoded, staticKey: terms.staticKey, ephemeral: ephemeral)
            var message = ByteBuffer()
            state = .awaitingMessage2(try Self.writeMessage1(noise, into: &message))
            Self.frame(message, into: &output)
        } catch { throw .crypto(error) }
    }

    private init(
        _ terms: HandshakeTerms, isInitiator: Bool, _ record: PeerRecord, _ observedAddress: String, pinned: PeerID?,
        _ authenticated: PeerID?
    ) {
        self.terms = terms
        self.isInitiator = isInitiator
        self.record = record
        self.observedAddress = observedAddress
        self.pinned = pinned
        self.authenticated = authenticated
        initiatorPreface = Preface(network: terms.network)
        state = nil
    }

    /// The bytes that came after the handshake: the first records.
    public mutating func takeRest() -> ByteBuffer {
        defer { input = ByteBuffer() }
        return input
    }

    /// Takes the bytes that arrived, in pieces of any size.
    public mutating func receive(_ bytes: ByteBuffer) -> Outcome {
        input.writeImmutableBuffer(bytes)
        var greeting: ByteBuffer?
        do throws(HandshakeError) {
            if !prefaceSeen {
                guard Preface.canBegin(with: input) else { throw .notCarrier }
                guard let preface = Preface(&input) else { return .more(send: nil) }
                prefaceSeen = true
                do throws(HandshakeError) {
                    try terms.check(preface)
                } catch {
                    // An initiator learns from our preface which networks do not match.
                    return .failed(error, send: isInitiator ? nil : Preface(network: terms.network).encoded)
                }
                if !isInitiator { initiatorPreface = preface }
                if !isInitiator, authenticated != nil {
                    var output = Preface(network: terms.network).encoded
                    Self.frame(hello(), into: &output)
                    greeting = output
                }
            }
            guard let message = try nextMessage() else { return .more(send: greeting) }
            return try handle(message, greeting)
        } catch {
            return .failed(error, send: greeting)
        }
    }

    /// The next whole handshake message.
    private mutating func nextMessage() throws(HandshakeError) -> ByteBuffer? {
        guard let length = input.getInteger(at: input.readerIndex, endianness: .little, as: UInt16.self) else {
            return nil
        }
        guard Int(length) <= Self.messageLimit else {
            throw .messageTooLong(limit: Self.messageLimit, got: Int(length))
        }
        guard input.readableBytes >= 2 + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 2)
        return input.readSlice(length: Int(length))
    }

    private mutating func handle(_ message: ByteBuffer, _ greeting: ByteBuffer?) throws(HandshakeError) -> Outcome {
        guard let current = state.take() else { throw .linkClosed("the handshake is over") }
        switch consume current {
        case .awaitingMessage1:
            // Message 3 depends on the answer: who sends on before it repeats what others said.
            guard input.readableBytes == 0 else { throw .outOfTurn(input.readableBytes) }
            return .more(send: try answerMessage1(message))
        case .awaitingMessage2(let noise):
            return try finish(initiator: noise, message)
        case .awaitingMessage3(let noise):
            return try finish(responder: noise, message)
        case .awaitingHello(let peer):
            do throws(HandshakeError) {
                return .established(send: greeting, Session(hello: try checkedHello(message, of: peer)))
            } catch {
                guard !isInitiator else { return .failed(error, send: nil) }
                var farewell = greeting ?? ByteBuffer()
                Disconnect(error.reason, "\(error)").frame().encode(into: &farewell)
                return .failed(error, send: farewell)
            }
        }
    }

    private mutating func answerMessage1(_ message: ByteBuffer) throws(HandshakeError) -> ByteBuffer {
        initiatorEphemeral = Bytes32(message.readableBytesView.prefix(32))
        let hello = hello()
        do throws(NoiseXX.Failure) {
            let ephemeral: X25519.PrivateKey
            do throws(CryptoError) { ephemeral = try .generate() } catch { throw .crypto(error) }
            let noise = NoiseXX.Responder(
                prologue: initiatorPreface.encoded, staticKey: terms.staticKey, ephemeral: ephemeral)
            var payload = ByteBuffer()
            let before = try noise.readMessage1(message, payload: &payload)
            guard payload.readableBytes == 0 else {
                throw .truncated(message: 1, expected: 32, got: message.readableBytes)
            }
            var answer = ByteBuffer()
            state = .awaitingMessage3(try before.writeMessage2(payload: hello, into: &answer))
            var output = Preface(network: terms.network).encoded
            Self.frame(answer, into: &output)
            return output
        } catch { throw .noise(error) }
    }

    private mutating func finish(
        initiator noise: consuming NoiseXX.InitiatorAwaitingMessage2, _ message: ByteBuffer
    ) throws(HandshakeError) -> Outcome {
        var received = NoiseXX.Received()
        let before: NoiseXX.InitiatorBeforeMessage3
        do throws(NoiseXX.Failure) {
            before = try noise.readMessage2(message, received: &received)
        } catch { throw .noise(error) }
        let theirs = try checkedHello(received)
        let ours = hello()
        do throws(NoiseXX.Failure) {
            var answer = ByteBuffer()
            let keys = try before.writeMessage3(payload: ours, into: &answer)
            var output = ByteBuffer()
            Self.frame(answer, into: &output)
            return .established(send: output, try session(keys, isInitiator: true, theirs))
        } catch { throw .noise(error) }
    }

    private mutating func finish(
        responder noise: consuming NoiseXX.ResponderAwaitingMessage3, _ message: ByteBuffer
    ) throws(HandshakeError) -> Outcome {
        var received = NoiseXX.Received()
        let keys: NoiseKeys
        do throws(NoiseXX.Failure) {
            keys = try noise.readMessage3(message, received: &received)
        } catch { throw .noise(error) }
        do throws(HandshakeError) {
            let theirs = try checkedHello(received)
            do throws(NoiseXX.Failure) {
                return .established(send: nil, try session(keys, isInitiator: false, theirs))
            } catch { throw .noise(error) }
        } catch {
            // The channel stands although the peer is refused: it is told why.
            return .failed(error, send: farewell(error, keys))
        }
    }

    /// A record that holds nothing but a `Disconnect`.
    private func farewell(_ error: HandshakeError, _ keys: NoiseKeys) -> ByteBuffer? {
        var plaintext = ByteBuffer()
        Disconnect(error.reason, "\(error)").frame().encode(into: &plaintext)
        var output = ByteBuffer()
        do throws(CryptoError) {
            var sealer = try RecordSealer(key: keys.responderToInitiator)
            try sealer.seal(plaintext, into: &output)
            return output
        } catch { return nil }
    }

    private func session(
        _ keys: NoiseKeys, isInitiator: Bool, _ hello: Hello
    ) throws(NoiseXX.Failure) -> Session {
        do throws(CryptoError) {
            return try Session(
                keys: keys, isInitiator: isInitiator, hello: hello,
                initiatorEphemeral: terms.keepsKeyLog ? initiatorEphemeral : nil)
        } catch { throw .crypto(error) }
    }

    /// Our own word about ourselves.
    private func hello() -> ByteBuffer {
        var writer = Writer()
        // Where the link authenticates, there is no static key to vouch for.
        let signature =
            authenticated == nil
            ? terms.staticKeySignature : [UInt8](repeating: 0, count: Ed25519.signatureSize)
        Hello(
            staticKeySignature: signature, record: record, observedAddress: observedAddress, agent: terms.agent
        ).write(to: &writer)
        return writer.buffer
    }

    /// The other side's word, read and checked.
    private func checkedHello(_ received: NoiseXX.Received) throws(HandshakeError) -> Hello {
        let hello = try Self.readHello(received.payload)
        try terms.check(hello, staticKey: received.staticKey, pinned: pinned)
        return hello
    }

    /// The same, over a link that has authenticated `peer`.
    private func checkedHello(_ message: ByteBuffer, of peer: PeerID) throws(HandshakeError) -> Hello {
        let hello = try Self.readHello(message)
        guard hello.record.peer == peer else {
            throw .certificateMismatch(certificate: peer, record: hello.record.peer)
        }
        try terms.check(hello, staticKey: nil, pinned: pinned)
        return hello
    }

    private static func readHello(_ bytes: ByteBuffer) throws(HandshakeError) -> Hello {
        do throws(WireError) {
            var reader = Reader(bytes)
            return try Hello(from: &reader)
        } catch { throw .malformed(error) }
    }

    private static func writeMessage1(
        _ noise: consuming NoiseXX.Initiator, into message: inout ByteBuffer
    ) throws(CryptoError) -> NoiseXX.InitiatorAwaitingMessage2 {
        do throws(NoiseXX.Failure) {
            return try noise.writeMessage1(into: &message)
        } catch {
            switch error {
            case .crypto(let error): throw error
            case .truncated: throw .library(operation: "handshake message 1", reason: "\(error)")
            }
        }
    }

    /// `u16` length ‖ message.
    private static func frame(_ message: ByteBuffer, into output: inout ByteBuffer) {
        output.writeInteger(UInt16(truncatingIfNeeded: message.readableBytes), endianness: .little)
        output.writeImmutableBuffer(message)
    }
}
