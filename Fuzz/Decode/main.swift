import CarrierCapture
import CarrierCrypto
import NIOCore

// Feeds the decoder whatever libFuzzer makes up. See Fuzz/README.md.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// A session's keys for any ephemeral key, so that records are tried too.
private let anyKeys: (Bytes32) -> SessionKeys? = { ephemeral in
    SessionKeys(
        ephemeral: ephemeral, initiatorToResponder: SecretBytes([UInt8](repeating: 1, count: 32)),
        responderToInitiator: SecretBytes([UInt8](repeating: 2, count: 32)))
}

/// Decodes one input: its JSON must give it back, and nothing may trap. The input's own size decides the pieces.
private func decode(_ input: ByteBuffer) -> ByteBuffer {
    var options = CaptureDecoder.Options()
    options.keys = anyKeys
    options.bodyLimit = 64 << 10
    var json = JSONRenderer(showsPayload: true)
    var text = TextRenderer(showsPayload: false)
    let decoder = CaptureDecoder(options) { record in
        json.render(record)
        text.render(record)
    }
    var rest = input
    let pieceSize = input.readableBytes % 3 == 0 ? 7 : Int.max
    do {
        try decoder.decode {
            let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes))
            return piece?.readableBytes == 0 ? nil : piece
        }
    } catch {
        fatalError("nothing here can throw: \(error)")
    }
    return json.take()
}

private func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = ByteBuffer(bytes: UnsafeBufferPointer(start: bytes, count: count))
    var back = ByteBuffer()
    var records = RecordText()
    records.feed(decode(input), into: &back)
    records.finish(into: &back)
    precondition(back == input, "the way back is not the way there")
    return 0
}

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
withUnsafeMutablePointer(to: &arguments) { arguments in
    _ = runDriver(&count, arguments) { test($0, $1) }
}
