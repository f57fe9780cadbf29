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
                   peer     event(up down) peer address transport handshake_ms reason
                            tx_bytes rx_bytes
                   message  peer opcode codec bytes payload_b64 text
                   broadcast origin id hops opcode codec bytes payload_b64 text
                   stats    uptime_s inbound outbound disconnected broken
                            failed_handshakes refused penalties frames tx_bytes rx_bytes
                            limits[name limit used reached]  with --stats
        dial       session  target peer pinned transport connect_ms handshake_ms
                   message  as listen, with --messages json
        ping       session  as dial
                   reply    target seq bytes rtt_ms
                   lost     target seq waited_ms
                   summary  target sent received loss_pct
                            rtt_ms{min avg max mdev p50 p95 p99}
        lookup     query    path hop to distance_bits          with --trace
                   response path hop from rtt_ms peers         with --trace
                   found    public_key node_id address paths_agree paths verified
        broadcast  sent     id bytes asked acknowledged reached depth duplicates
                            elapsed_ms
        nat-map    gateway  address protocol external_ip external_is_public
                   mapped changed lost released
                            protocol transport internal external lease_s reason
                   mapping  as mapped, description             with --list
        decode     frame    n offset length layer(preface handshake record session) kind
                            opcode codec direction peer ok problem fields raw_b64; in
                            TCP streams stream src dst from; with --payload
                            payload_b64 text
                   gap      offset length reason raw_b64
                   container offset length holds raw_b64       bytes around the frames
                   stats    frames bytes malformed gaps gap_bytes
                            kinds{KIND{frames bytes malformed}} with --stats
                   derived is true where a container holds the bytes in another form

        code is a name of the exit-code table, exit its number: carrier help exit-codes.
        """
}
