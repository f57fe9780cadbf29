internal import CMsgpack
internal import NIOCore

/// libmsgpack's packer, writing behind what a buffer holds.
struct MsgpackPacker {
    private var packer = msgpack_packer()

    /// Packs what `body` asks for.
    static func pack<Failure: Error>(
        into output: inout ByteBuffer, _ body: (inout MsgpackPacker) throws(Failure) -> Void
    ) throws(Failure) {
        try withUnsafeMutablePointer(to: &output) { output throws(Failure) in
            var packer = MsgpackPacker()
            msgpack_packer_init(&packer.packer, output) { output, bytes, count in
                output?.assumingMemoryBound(to: ByteBuffer.self).pointee
                    .writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
                return 0
            }
            try body(&packer)
        }
    }

    mutating func null() { msgpack_pack_nil(&packer) }

    mutating func bool(_ value: Bool) { _ = value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer) }

    mutating func integer(_ value: Int64) { msgpack_pack_int64(&packer, value) }

    mutating func integer(_ value: UInt64) { msgpack_pack_uint64(&packer, value) }

    mutating func float(_ value: Float) { msgpack_pack_float(&packer, value) }

    mutating func double(_ value: Double) { msgpack_pack_double(&packer, value) }

    mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { text in
            _ = msgpack_pack_str_with_body(&packer, text.baseAddress, text.count)
        }
    }

    mutating func binary(_ value: ByteBuffer) {
        value.withUnsafeReadableBytes { _ = msgpack_pack_bin_with_body(&packer, $0.baseAddress, $0.count) }
    }

    mutating func ext(_ type: Int8, _ value: ByteBuffer) {
        value.withUnsafeReadableBytes { _ = msgpack_pack_ext_with_body(&packer, $0.baseAddress, $0.count, type) }
    }

    mutating func timestamp(seconds: Int64, nanoseconds: UInt32) {
        var time = msgpack_timestamp(tv_sec: seconds, tv_nsec: nanoseconds)
        msgpack_pack_timestamp(&packer, &time)
    }

    /// Begins an array; its items follow.
    mutating func array(count: Int) { msgpack_pack_array(&packer, count) }

    /// Begins a map; keys and values follow in turn.
    mutating func map(count: Int) { msgpack_pack_map(&packer, count) }
}
