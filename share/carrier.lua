-- Wireshark dissector for recordings of carrier (carrier-wire(7) sections 4.4, 5 and 9): pcap files of link type
-- 147 (USER0) as "carrier … --record FILE" writes them. Put it into ~/.local/lib/wireshark/plugins, or:
--
--     tshark -X lua_script:carrier.lua -r FILE
--
-- Every read is bounded by what the packet has; what does not fit is marked as malformed.

local carrier = Proto("carrier", "carrier recording")

local directions = { [0] = "sent", [1] = "received" }
local codecs = { [0] = "bytes", [1] = "protobuf", [2] = "msgpack" }
local opcodes = {
    [0] = "unregistered", [1] = "bytes", [2] = "keepalive", [3] = "keepalive-response", [9] = "proxy-response",
    [10] = "ping", [11] = "pong", [12] = "lookup-node-request", [13] = "lookup-node-response", [14] = "disconnect",
    [15] = "proxy-request", [16] = "metric-request", [17] = "metric-response", [18] = "ack-response",
    [19] = "broadcast", [20] = "broadcast-report", [21] = "reachability-request", [22] = "reachability-response",
    [23] = "broadcast-digest", [24] = "broadcast-want",
}
local reasons = {
    [0] = "shutdown", [1] = "protocolError", [2] = "unregisteredOpcode", [3] = "messageTooLarge",
    [4] = "idleTimeout", [5] = "duplicateConnection", [6] = "tooManyConnections", [7] = "networkMismatch",
    [8] = "puzzleNotSolved", [9] = "receiveTimeout", [10] = "sendBufferFull", [11] = "applicationClosed",
}

local f = {
    version = ProtoField.uint8("carrier.version", "Version"),
    direction = ProtoField.uint8("carrier.direction", "Direction", base.DEC, directions),
    peer = ProtoField.bytes("carrier.peer", "Peer"),
    length = ProtoField.uint32("carrier.length", "Body length"),
    opcode = ProtoField.uint32("carrier.opcode", "Opcode"),
    kind = ProtoField.string("carrier.kind", "Kind"),
    flags = ProtoField.uint8("carrier.flags", "Flags", base.HEX),
    request = ProtoField.bool("carrier.flags.request", "Request", 8, nil, 0x01),
    reply = ProtoField.bool("carrier.flags.reply", "Reply", 8, nil, 0x02),
    needs_ack = ProtoField.bool("carrier.flags.needs_ack", "Needs ack", 8, nil, 0x04),
    end_of_stream = ProtoField.bool("carrier.flags.end_of_stream", "End of stream", 8, nil, 0x08),
    codec = ProtoField.uint8("carrier.codec", "Codec", base.DEC, codecs),
    reserved = ProtoField.uint16("carrier.reserved", "Reserved", base.HEX),
    nonce = ProtoField.uint32("carrier.nonce", "Nonce"),
    body = ProtoField.bytes("carrier.body", "Body"),
    -- fields of messages
    target = ProtoField.bytes("carrier.target", "Target"),
    count = ProtoField.uint8("carrier.count", "Count"),
    reason = ProtoField.uint16("carrier.reason", "Reason", base.DEC, reasons),
    status = ProtoField.uint16("carrier.status", "Status"),
    text = ProtoField.string("carrier.text", "Text"),
    address = ProtoField.string("carrier.address", "Address"),
    ticket = ProtoField.bytes("carrier.ticket", "Ticket"),
    request_kind = ProtoField.uint8("carrier.request_kind", "Kind of request"),
    sent_at = ProtoField.uint64("carrier.sent_at", "Sent at (ns)"),
    data = ProtoField.bytes("carrier.data", "Data"),
    acked = ProtoField.uint32("carrier.acked_nonce", "Acknowledged nonce"),
    origin = ProtoField.bytes("carrier.origin", "Origin"),
    sequence = ProtoField.uint64("carrier.sequence", "Sequence"),
    message_opcode = ProtoField.uint32("carrier.message_opcode", "Opcode of the message"),
    message_codec = ProtoField.uint8("carrier.message_codec", "Codec of the message", base.DEC, codecs),
    signature = ProtoField.bytes("carrier.signature", "Signature"),
    height = ProtoField.uint16("carrier.height", "Height"),
    hops = ProtoField.uint16("carrier.hops", "Hops"),
    wants_report = ProtoField.bool("carrier.wants_report", "Wants report"),
    id = ProtoField.bytes("carrier.id", "Message id"),
    reached = ProtoField.uint32("carrier.reached", "Reached"),
    duplicates = ProtoField.uint32("carrier.duplicates", "Duplicates"),
    depth = ProtoField.uint16("carrier.depth", "Depth"),
    record = ProtoField.none("carrier.record", "Peer record"),
    record_peer = ProtoField.bytes("carrier.record.peer", "Peer"),
    puzzle_nonce = ProtoField.bytes("carrier.record.puzzle_nonce", "Puzzle nonce"),
}
carrier.fields = f

local malformed = ProtoExpert.new("carrier.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
carrier.experts = { malformed }

-- Reads fields one behind the other; once one does not fit, nothing more is read.
local function reader(range, tree)
    local r = { position = 0, ok = true }

    function r.take(count)
        if not r.ok or range:len() - r.position < count then
            if r.ok then tree:add_proto_expert_info(malformed, "a field needs more bytes than there are") end
            r.ok = false
            return nil
        end
        local part = count > 0 and range:range(r.position, count) or nil
        r.position = r.position + count
        return part
    end

    function r.add(field, count, into)
        local part = r.take(count)
        if part then (into or tree):add_le(field, part) end
        return part
    end

    -- u32 length and that many bytes
    function r.add_bytes(field, into)
        local length = r.take(4)
        if not length then return end
        local count = length:le_uint()
        if count > range:len() - r.position then
            tree:add_proto_expert_info(malformed, "a length is over what is left")
            r.ok = false
            return
        end
        if count > 0 then (into or tree):add(field, r.take(count)) end
    end

    function r.count()
        local part = r.take(2)
        return part and part:le_uint() or 0
    end

    function r.rest(field)
        local left = range:len() - r.position
        if r.ok and left > 0 then tree:add(field, r.take(left)) end
    end

    function r.finish()
        if r.ok and range:len() > r.position then
            tree:add_proto_expert_info(malformed, "bytes after the last field")
        end
    end

    return r
end

local function peer_record(r, tree)
    local item = tree:add(f.record)
    r.add(f.record_peer, 32, item)
    r.add(f.puzzle_nonce, 32, item)
    r.add(f.sequence, 8, item)
    for _ = 1, r.count() do
        if not r.ok then break end
        r.add_bytes(f.address, item)
    end
    r.add(f.signature, 64, item)
end

local function ids(r)
    for _ = 1, r.count() do
        if not r.ok then break end
        r.add(f.id, 16)
    end
end

local function metric(r)
    r.add(f.sent_at, 8)
    r.add_bytes(f.data)
end

-- What the body of each message says, by opcode; the others are bytes.
local bodies = {
    [2] = function() end,
    [3] = function() end,
    [9] = function(r) r.add(f.status, 2) r.add_bytes(f.address) r.add(f.ticket, 16) end,
    [12] = function(r) r.add(f.target, 32) r.add(f.count, 1) end,
    [13] = function(r, tree)
        for _ = 1, r.count() do
            if not r.ok then break end
            peer_record(r, tree)
        end
    end,
    [14] = function(r) r.add(f.reason, 2) r.add_bytes(f.text) end,
    [15] = function(r) r.add(f.request_kind, 1) r.add(f.ticket, 16) end,
    [16] = metric,
    [17] = metric,
    [18] = function(r) r.add(f.acked, 4) end,
    [19] = function(r)
        r.add(f.origin, 32)
        r.add(f.sequence, 8)
        r.add(f.message_opcode, 4)
        r.add(f.message_codec, 1)
        r.add_bytes(f.data)
        r.add(f.signature, 64)
        r.add(f.height, 2)
        r.add(f.hops, 2)
        r.add(f.wants_report, 1)
    end,
    [20] = function(r)
        r.add(f.id, 16)
        r.add(f.reached, 4)
        r.add(f.duplicates, 4)
        r.add(f.depth, 2)
    end,
    [21] = function(r) r.add_bytes(f.address) end,
    [22] = function(r) r.add(f.status, 2) r.add_bytes(f.text) end,
    [23] = ids,
    [24] = ids,
}

function carrier.dissector(buffer, packet, root)
    local size = buffer:len()
    packet.cols.protocol = "carrier"
    local tree = root:add(carrier, buffer())
    if size < 50 or buffer(0, 1):uint() ~= 1 then
        tree:add_proto_expert_info(malformed, "expected version 1, a direction, a peer and a frame")
        return size
    end
    tree:add(f.version, buffer(0, 1))
    tree:add(f.direction, buffer(1, 1))
    tree:add(f.peer, buffer(2, 32))
    local opcode = buffer(38, 4):le_uint()
    local name = opcodes[opcode] or (opcode >= 1000 and "application" or "unregistered")
    local body_length = buffer(34, 4):le_uint()
    tree:add_le(f.length, buffer(34, 4))
    tree:add_le(f.opcode, buffer(38, 4)):append_text(" (" .. name .. ")")
    tree:add(f.kind, buffer(38, 4), name)
    local flags = tree:add(f.flags, buffer(42, 1))
    for _, flag in ipairs({ f.request, f.reply, f.needs_ack, f.end_of_stream }) do flags:add(flag, buffer(42, 1)) end
    tree:add(f.codec, buffer(43, 1))
    tree:add_le(f.reserved, buffer(44, 2))
    tree:add_le(f.nonce, buffer(46, 4))

    local nonce = buffer(46, 4):le_uint()
    local way = buffer(1, 1):uint() == 0 and "to " or "from "
    packet.cols.info = string.format(
        "%s %s%s, %d bytes%s", name, way, tostring(buffer(2, 4):bytes()):lower(), body_length,
        nonce ~= 0 and ", nonce " .. nonce or "")

    if body_length ~= size - 50 then
        tree:add_proto_expert_info(
            malformed, string.format("expected a body of %d bytes, got %d", body_length, size - 50))
    end
    local decode = bodies[opcode]
    if size > 50 then
        if decode then
            local r = reader(buffer(50), tree)
            decode(r, tree)
            r.finish()
        else
            tree:add(f.body, buffer(50))
        end
    elseif decode and opcode ~= 2 and opcode ~= 3 then
        tree:add_proto_expert_info(malformed, "expected fields, got an empty body")
    end
    return size
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, carrier)
