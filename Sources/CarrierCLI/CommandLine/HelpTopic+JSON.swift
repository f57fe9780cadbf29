extension HelpTopic {
    /// Every record and its keys.
    static let jsonPage = """
        JSON: with --json every subcommand prints one object a line, flushed at once. Each
        has a type. Keys carry their unit (_ms, _s, bytes); ids are hex; payload is
        payload_b64, and text too where it is UTF-8. Keys may be added, never changed.

        all        error    code exit target message
                   end      exit reason elapsed_ms             last record of a stream
        keygen     identity public_key node_id static_bits dynamic_bits path tries
                            elapsed_ms
        listen     ready    public_key addresses               first record
                   peer     event(up down) peer address transport handshake_ms agent
                            reason tx_bytes rx_bytes
                   message  peer opcode name codec bytes payload_b64 text value
                   broadcast origin id hops opcode codec bytes payload_b64 text
                   mapped changed lost released            with --nat, as nat-map
                   door     event(open closed not-needed failed) relay address reason
                   published addresses                     what the network is told
                   reachable address reachable via reason  a peer dialled the node
                   stats    uptime_s inbound outbound disconnected broken
                            failed_handshakes refused penalties frames tx_bytes rx_bytes
                            limits[name limit burst used reached]  with --stats
        dial       session  target peer pinned transport connect_ms handshake_ms
                   message  as listen, with --messages json
        ping       session  as dial
                   reply    target seq bytes rtt_ms
                   lost     target seq waited_ms
                   summary  target sent received loss_pct
                            rtt_ms{min avg max mdev p50 p95 p99}
        lookup     query    path hop to distance_bits named_by with --trace
                   response path hop from rtt_ms peers names_target
                                                               with --trace
                   failure  path hop from message              with --trace
                   found    public_key node_id address paths_agree paths verified
        broadcast  sent     id bytes asked acknowledged reached depth duplicates
                            complete elapsed_ms
                            delegates[bucket peer reached depth duplicates]
        nat-map    gateway  address protocol external_ip external_is_public
                   mapped changed lost released
                            protocol transport internal external lease_s reason
                   mapping  as mapped, description             with --list
                   checked  address via observed_ip reachable(true false null) reason
                                                               with --check-via
        decode     frame    n offset length layer(preface handshake record session) kind
                            opcode codec direction peer ok problem fields raw_b64; in
                            captures stream transport src dst from; with --payload
                            payload_b64 text
                   gap      offset length reason raw_b64
                   container offset length holds raw_b64       bytes around the frames
                   stats    frames bytes malformed gaps gap_bytes
                            kinds{KIND{frames bytes malformed}} with --stats
                   derived is true where a container holds the bytes in another form

        The fields of decode's frames, by kind:

        preface                version flags network
        handshake-1 -2 -3      bytes ephemeral; over UDP sender receiver network
                               token_bytes
        retry                  receiver token_bytes
        record                 bytes record opened
        every frame            nonce flags bytes, and
        application            msgpack protobuf
        proxy-request          kind ticket
        proxy-response         status public_address ticket
        lookup-node-request    target count
        lookup-node-response   records[peer node_id puzzle_nonce sequence addresses
                               static_bits dynamic_bits puzzles_ok signature_ok]
        disconnect             reason reason_name text
        metric-request, metric-response
                               sent_at_ns data_bytes
        ack-response           acked_nonce
        broadcast              origin id sequence message_opcode message_codec
                               message_bytes height hops wants_report msgpack protobuf
                               signature_ok
        broadcast-report       id reached duplicates depth
        broadcast-digest, broadcast-want
                               ids
        reachability-request   address
        reachability-response  status text

        code is a name of the exit-code table, exit its number: carrier help exit-codes.
        """
}
