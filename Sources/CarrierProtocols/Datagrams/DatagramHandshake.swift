internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// The steps of the handshake over datagrams. Each can be taken again for another copy of a message: nothing that was forged
/// or lost uses up a handshake.
struct DatagramHandshake {
    let terms: HandshakeTerms
    let record: PeerRecord
    let ephemeral: X25519.PrivateKey
    /// The initiator's, which is the prologue.
    let preface: Preface

    init(_ terms: HandshakeTerms, record: PeerRecord, preface: Preface) throws(HandshakeError) {
        self.terms = terms
        self.record = record
        self.preface = preface
        do throws(CryptoError) { ephemeral = try .generate() } catch { throw .crypto(error) }
    }

    // MARK: The initiator

    func message1() throws(HandshakeError) -> ByteBuffer {
        var message = ByteBuffer()
        _ = try initiator(&message)
        return message
    }

    private func initiator(_ message: inout ByteBuffer) throws(HandshakeError) -> NoiseXX.InitiatorAwaitingMessage2 {
        do throws(NoiseXX.Failure) {
            return try NoiseXX.Initiator(prologue: preface.encoded, staticKey: terms.staticKey, ephemeral: ephemeral)
                .writeMessage1(into: &message)
        } catch { throw .noise(error) }
    }

    /// Reads message 2 and writes message 3.
    func answer(
        message2: ByteBuffer, observed: Address, pinned: PeerID?, message3: inout ByteBuffer
    ) throws(HandshakeError) -> (keys: NoiseKeys, hello: Hello) {
        var first = ByteBuffer()
        var received = NoiseXX.Received()
        let awaiting = try initiator(&first)
        let before: NoiseXX.InitiatorBeforeMessage3
        do throws(NoiseXX.Failure) {
            before = try awaiting.readMessage2(message2, received: &received)
        } catch { throw .noise(error) }
        let theirs = try checked(received, pinned)
        do throws(NoiseXX.Failure) {
            return (try before.writeMessage3(payload: hello(observed), into: &message3), theirs)
        } catch { throw .noise(error) }
    }

    // MARK: The responder

    /// Reads message 1 and writes message 2: the same each time.
    func answer(message1: ByteBuffer, observed: Address) throws(HandshakeError) -> ByteBuffer {
        var message = ByteBuffer()
        _ = try responder(message1, observed, &message)
        return message
    }

    private func responder(
        _ message1: ByteBuffer, _ observed: Address, _ message2: inout ByteBuffer
    ) throws(HandshakeError) -> NoiseXX.ResponderAwaitingMessage3 {
        do throws(NoiseXX.Failure) {
            var payload = ByteBuffer()
            return try NoiseXX.Responder(prologue: preface.encoded, staticKey: terms.staticKey, ephemeral: ephemeral)
                .readMessage1(message1, payload: &payload)
                .writeMessage2(payload: hello(observed), into: &message2)
        } catch { throw .noise(error) }
    }

    /// Reads message 3. The keys stand even where the peer's word about itself is refused: it can be told why.
    func finish(
        message1: ByteBuffer, message3: ByteBuffer, observed: Address
    ) throws(HandshakeError) -> (keys: NoiseKeys, hello: Result<Hello, HandshakeError>) {
        var second = ByteBuffer()
        var received = NoiseXX.Received()
        let awaiting = try responder(message1, observed, &second)
        let keys: NoiseKeys
        do throws(NoiseXX.Failure) {
            keys = try awaiting.readMessage3(message3, received: &received)
        } catch { throw .noise(error) }
        do throws(HandshakeError) {
            return (keys, .success(try checked(received, nil)))
        } catch { return (keys, .failure(error)) }
    }

    // MARK: Both

    private func hello(_ observed: Address) -> ByteBuffer {
        var writer = Writer()
        Hello(
            staticKeySignature: terms.staticKeySignature, record: record, observedAddress: observed.description,
            agent: terms.agent
        ).write(to: &writer)
        return writer.buffer
    }

    private func checked(_ received: NoiseXX.Received, _ pinned: PeerID?) throws(HandshakeError) -> Hello {
        let hello: Hello
        do throws(WireError) {
            var reader = Reader(received.payload)
            hello = try Hello(from: &reader)
        } catch { throw .malformed(error) }
        try terms.check(hello, staticKey: received.staticKey, pinned: pinned)
        return hello
    }
}
