#ifdef QUIC
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "internal.h"

/// How long after a probe of the path the next one may be sent, the first time.
#define PROBE_PAUSE (10 * NGTCP2_SECONDS)
/// What is far away takes longer to answer.
#define NEAR_ROUND_TRIP (2 * NGTCP2_MILLISECONDS)
/// Bytes of a probe's packet beside the zeros that fill it, at most.
#define PROBE_FRAME 64

// MARK: What the library calls

static void make_random(uint8_t *bytes, size_t size, const ngtcp2_rand_ctx *context) {
    (void)context;
    gnutls_rnd(GNUTLS_RND_NONCE, bytes, size);
}

static int new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t size, void *user) {
    (void)conn;
    cquic_connection *connection = user;
    if (gnutls_rnd(GNUTLS_RND_NONCE, id->data, size) < 0) return NGTCP2_ERR_CALLBACK_FAILURE;
    id->datalen = size;
    if (ngtcp2_crypto_generate_stateless_reset_token(token, connection->secret, sizeof connection->secret, id) != 0) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    connection->events->added(connection->owner, id->data, id->datalen);
    return 0;
}

static int old_id(ngtcp2_conn *conn, const ngtcp2_cid *id, void *user) {
    (void)conn;
    cquic_connection *connection = user;
    connection->events->removed(connection->owner, id->data, id->datalen);
    return 0;
}

static int on_completed(ngtcp2_conn *conn, void *user) {
    (void)conn;
    cquic_connection *connection = user;
    connection->events->completed(connection->owner);
    return 0;
}

static int on_confirmed(ngtcp2_conn *conn, void *user) {
    (void)conn;
    cquic_connection *connection = user;
    connection->events->confirmed(connection->owner);
    return 0;
}

static int on_received(
    ngtcp2_conn *conn, uint32_t flags, int64_t stream, uint64_t offset, const uint8_t *bytes, size_t size, void *user,
    void *stream_user) {
    (void)conn, (void)offset, (void)stream_user;
    cquic_connection *connection = user;
    // The other side may open one stream, and we open one: there is no other.
    if (connection->stream < 0) connection->stream = stream;
    connection->events->received(connection->owner, bytes, size, flags & NGTCP2_STREAM_DATA_FLAG_FIN);
    return 0;
}

static int on_acknowledged(
    ngtcp2_conn *conn, int64_t stream, uint64_t offset, uint64_t size, void *user, void *stream_user) {
    (void)conn, (void)stream, (void)offset, (void)stream_user;
    cquic_connection *connection = user;
    connection->under_way -= size;
    connection->waiting_since = connection->now;
    connection->events->acknowledged(connection->owner, size);
    return 0;
}

static int on_probe_acknowledged(ngtcp2_conn *conn, uint64_t number, void *user) {
    (void)conn, (void)number;
    cquic_connection *connection = user;
    connection->largest = connection->probe;
    connection->probe_pause = PROBE_PAUSE;
    connection->waiting_since = connection->now;
    return 0;
}

static int on_stream_closed(
    ngtcp2_conn *conn, uint32_t flags, int64_t stream, uint64_t code, void *user, void *stream_user) {
    (void)conn, (void)stream, (void)stream_user;
    cquic_connection *connection = user;
    connection->is_stream_over = true;
    connection->events->stream_closed(
        connection->owner, flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET ? code : 0);
    return 0;
}

static int on_reset(
    ngtcp2_conn *conn, int64_t stream, uint64_t size, uint64_t code, void *user, void *stream_user) {
    (void)conn, (void)stream, (void)size, (void)stream_user;
    cquic_connection *connection = user;
    // Nobody who speaks carrier resets its one stream: code 0 would look like an orderly end.
    connection->events->stream_closed(connection->owner, code ? code : UINT64_MAX);
    return 0;
}

static int on_stop(ngtcp2_conn *conn, int64_t stream, uint64_t code, void *user, void *stream_user) {
    return on_reset(conn, stream, 0, code, user, stream_user);
}

static int on_stateless_reset(ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *reset, void *user) {
    (void)conn, (void)reset;
    ((cquic_connection *)user)->was_reset = true;
    return 0;
}

static int on_unblocked(ngtcp2_conn *conn, int64_t stream, uint64_t limit, void *user, void *stream_user) {
    (void)conn, (void)stream, (void)limit, (void)stream_user;
    cquic_connection *connection = user;
    connection->events->unblocked(connection->owner);
    return 0;
}

static ngtcp2_callbacks callbacks(bool is_client) {
    ngtcp2_callbacks all;
    memset(&all, 0, sizeof all);
    if (is_client) {
        all.client_initial = ngtcp2_crypto_client_initial_cb;
        all.recv_retry = ngtcp2_crypto_recv_retry_cb;
        all.handshake_confirmed = on_confirmed;
    } else {
        all.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    }
    all.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    all.encrypt = ngtcp2_crypto_encrypt_cb;
    all.decrypt = ngtcp2_crypto_decrypt_cb;
    all.hp_mask = ngtcp2_crypto_hp_mask_cb;
    all.update_key = ngtcp2_crypto_update_key_cb;
    all.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    all.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    all.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    all.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    all.rand = make_random;
    all.get_new_connection_id = new_id;
    all.remove_connection_id = old_id;
    all.handshake_completed = on_completed;
    all.recv_stream_data = on_received;
    all.acked_stream_data_offset = on_acknowledged;
    all.stream_close = on_stream_closed;
    all.stream_reset = on_reset;
    all.stream_stop_sending = on_stop;
    all.extend_max_stream_data = on_unblocked;
    all.ack_datagram = on_probe_acknowledged;
    all.recv_stateless_reset = on_stateless_reset;
    return all;
}

// MARK: Beginning and end

static ngtcp2_path path_of(const cquic_path *path) {
    ngtcp2_path made;
    memset(&made, 0, sizeof made);
    made.local.addr = (struct sockaddr *)&path->local;
    made.local.addrlen = path->local_size;
    made.remote.addr = (struct sockaddr *)&path->remote;
    made.remote.addrlen = path->remote_size;
    return made;
}

static void copy_path(cquic_path *to, const ngtcp2_path *from) {
    memcpy(&to->local, from->local.addr, from->local.addrlen);
    to->local_size = (socklen_t)from->local.addrlen;
    memcpy(&to->remote, from->remote.addr, from->remote.addrlen);
    to->remote_size = (socklen_t)from->remote.addrlen;
}

/// Whether both ends of a path are on one machine, as far as their addresses say.
static bool is_near(const ngtcp2_path *path) {
    if (path->remote.addr->sa_family == AF_INET) {
        const struct sockaddr_in *local = (const void *)path->local.addr, *remote = (const void *)path->remote.addr;
        return ntohl(remote->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ||
            (local->sin_family == AF_INET && local->sin_addr.s_addr == remote->sin_addr.s_addr);
    }
    const struct sockaddr_in6 *local = (const void *)path->local.addr, *remote = (const void *)path->remote.addr;
    const struct in6_addr *address = &remote->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(address) ||
        (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == IN_LOOPBACKNET) ||
        (local->sin6_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&local->sin6_addr, address));
}

static cquic_connection *prepare(
    const cquic_settings *wanted, bool is_client, const ngtcp2_path *path, uint64_t now, ngtcp2_settings *settings,
    ngtcp2_transport_params *params) {
    bool may_grow = is_near(path);
    size_t limit = may_grow ? CQUIC_LARGE_DATAGRAM : CQUIC_MAX_DATAGRAM;
    cquic_connection *connection = calloc(1, sizeof *connection + limit);
    if (!connection) return NULL;
    connection->events = wanted->events;
    connection->owner = wanted->owner;
    connection->is_client = is_client;
    connection->may_grow = may_grow;
    // Where packets are not to become larger than usual, the library itself looks for what the path takes.
    connection->largest = may_grow ? NGTCP2_MAX_UDP_PAYLOAD_SIZE : CQUIC_MAX_DATAGRAM;
    connection->probe_pause = PROBE_PAUSE;
    connection->now = now;
    connection->stream = -1;
    memcpy(connection->secret, wanted->secret, sizeof connection->secret);

    ngtcp2_settings_default(settings);
    settings->initial_ts = now;
    // A third of the default: on a path that loses the first packet, 300 ms are lost instead of a second.
    settings->initial_rtt = 100 * NGTCP2_MILLISECONDS;
    settings->handshake_timeout = wanted->handshake_timeout;
    settings->max_tx_udp_payload_size = limit;
    settings->no_tx_udp_payload_size_shaping = settings->no_pmtud = may_grow;
    settings->max_window = wanted->max_window;
    settings->max_stream_window = wanted->max_window;

    ngtcp2_transport_params_default(params);
    params->initial_max_stream_data_bidi_local = wanted->window;
    params->initial_max_stream_data_bidi_remote = wanted->window;
    params->initial_max_data = wanted->window;
    params->initial_max_streams_bidi = is_client ? 0 : 1;
    params->max_idle_timeout = wanted->idle_timeout;
    params->active_connection_id_limit = 7;
    // For probes; what they bring is dropped.
    params->max_datagram_frame_size = UINT16_MAX;
    return connection;
}

static int start(cquic_connection *connection, const cquic_settings *wanted) {
    if (cquic_start_tls(connection, wanted, connection->is_client) != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
    ngtcp2_conn_set_tls_native_handle(connection->conn, connection->tls);
    return 0;
}

int cquic_connect(
    cquic_connection **made, const cquic_settings *wanted, const cquic_path *path, uint64_t now) {
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_path where = path_of(path);
    cquic_connection *connection = prepare(wanted, true, &where, now, &settings, &params);
    if (!connection) return NGTCP2_ERR_NOMEM;
    ngtcp2_cid theirs = {.datalen = 18}, ours = {.datalen = CQUIC_ID_SIZE};
    gnutls_rnd(GNUTLS_RND_NONCE, theirs.data, theirs.datalen);
    gnutls_rnd(GNUTLS_RND_NONCE, ours.data, ours.datalen);
    ngtcp2_callbacks all = callbacks(true);
    int status = ngtcp2_conn_client_new(
        &connection->conn, &theirs, &ours, &where, NGTCP2_PROTO_VER_V1, &all, &settings, &params, NULL, connection);
    if (status == 0) status = start(connection, wanted);
    if (status != 0) {
        cquic_free(connection);
        return status;
    }
    connection->events->added(connection->owner, ours.data, ours.datalen);
    *made = connection;
    return 0;
}

int cquic_accept(
    cquic_connection **made, const cquic_settings *wanted, const cquic_path *path, const cquic_initial *initial,
    uint64_t now) {
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_path where = path_of(path);
    cquic_connection *connection = prepare(wanted, false, &where, now, &settings, &params);
    if (!connection) return NGTCP2_ERR_NOMEM;
    ngtcp2_cid first, theirs, ours = {.datalen = CQUIC_ID_SIZE};
    ngtcp2_cid_init(&first, initial->destination.bytes, initial->destination.size);
    ngtcp2_cid_init(&theirs, initial->source.bytes, initial->source.size);
    gnutls_rnd(GNUTLS_RND_NONCE, ours.data, ours.datalen);
    if (initial->is_validated) {
        ngtcp2_cid_init(&params.original_dcid, initial->original.bytes, initial->original.size);
        params.retry_scid = first;
        params.retry_scid_present = 1;
#if NGTCP2_VERSION_NUM >= 0x010000
        settings.token = initial->token;
        settings.tokenlen = initial->token_size;
#else
        settings.token.base = (uint8_t *)initial->token;
        settings.token.len = initial->token_size;
#endif
    } else {
        params.original_dcid = first;
    }
#if NGTCP2_VERSION_NUM >= 0x010000
    params.original_dcid_present = 1;
#endif
    params.stateless_reset_token_present =
        ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token, wanted->secret, 32, &ours) == 0;
    ngtcp2_callbacks all = callbacks(false);
    int status = ngtcp2_conn_server_new(
        &connection->conn, &theirs, &ours, &where, initial->version, &all, &settings, &params, NULL, connection);
    if (status == 0) status = start(connection, wanted);
    if (status != 0) {
        cquic_free(connection);
        return status;
    }
    connection->events->added(connection->owner, first.data, first.datalen);
    connection->events->added(connection->owner, ours.data, ours.datalen);
    *made = connection;
    return 0;
}

void cquic_free(cquic_connection *connection) {
    if (!connection) return;
    // The connection first: it may look at its TLS session to the last.
    if (connection->conn) ngtcp2_conn_del(connection->conn);
    if (connection->tls) gnutls_deinit(connection->tls);
    gnutls_memset(connection->secret, 0, sizeof connection->secret);
    free(connection);
}

// MARK: Reading

bool cquic_peer_key(const cquic_connection *connection, uint8_t key[32]) {
    if (connection->has_peer_key) memcpy(key, connection->peer_key, 32);
    return connection->has_peer_key;
}

int cquic_read(cquic_connection *connection, const cquic_path *path, const uint8_t *packet, size_t size, uint64_t now) {
    ngtcp2_path where = path_of(path);
    ngtcp2_pkt_info info;
    memset(&info, 0, sizeof info);
    connection->now = now;
    return ngtcp2_conn_read_pkt(connection->conn, &where, &info, packet, size, now);
}

void cquic_consumed(cquic_connection *connection, uint64_t size) {
    if (connection->stream >= 0 && !connection->is_stream_over) {
        ngtcp2_conn_extend_max_stream_offset(connection->conn, connection->stream, size);
    }
    ngtcp2_conn_extend_max_offset(connection->conn, size);
}

// MARK: Writing

int cquic_open_stream(cquic_connection *connection) {
    return ngtcp2_conn_open_bidi_stream(connection->conn, &connection->stream, NULL);
}

bool cquic_has_stream(const cquic_connection *connection) { return connection->stream >= 0; }

/// Gives up large packets where they do not arrive any more: when the other side has acknowledged nothing for three probe
/// timeouts, or is somewhere else. Acknowledgements of small packets say nothing of large ones, so it is the stream that is watched.
static void doubt_path(cquic_connection *connection) {
    if (!connection->may_grow || connection->largest <= NGTCP2_MAX_UDP_PAYLOAD_SIZE) return;
    bool is_stuck = connection->under_way > 0 &&
        connection->now > connection->waiting_since + 3 * ngtcp2_conn_get_pto(connection->conn);
    if (is_stuck || !is_near(ngtcp2_conn_get_path(connection->conn))) connection->largest = NGTCP2_MAX_UDP_PAYLOAD_SIZE;
}

/// Whether to find out if large packets arrive: where much is sent to somewhere near, and not too often. A probe that is lost slows
/// what follows it (the library takes that for congestion), which costs little where answers come at once.
static bool wants_probe(cquic_connection *connection) {
    if (!connection->may_grow || connection->largest > NGTCP2_MAX_UDP_PAYLOAD_SIZE ||
        connection->under_way < CQUIC_LARGE_DATAGRAM || connection->now < connection->probe_at ||
        !ngtcp2_conn_get_handshake_completed(connection->conn) || !is_near(ngtcp2_conn_get_path(connection->conn))) {
        return false;
    }
    carrier_figures figures;
    carrier_get_figures(connection->conn, &figures);
    if (figures.min_rtt > NEAR_ROUND_TRIP) return false;
    const ngtcp2_transport_params *theirs = ngtcp2_conn_get_remote_transport_params(connection->conn);
    return theirs && theirs->max_datagram_frame_size >= CQUIC_LARGE_DATAGRAM &&
        theirs->max_udp_payload_size >= CQUIC_LARGE_DATAGRAM;
}

/// Leaves over a packet that is as large as packets shall become and carries nothing that could be missed (RFC 8899): this machine's
/// own loopback takes more than any network, but what looks near may be a forwarder to somewhere far.
///
/// Only after a packet with new bytes: what waits to be sent again would be put into the probe. Returns 0, or an error.
static int write_probe(cquic_connection *connection) {
    static const uint8_t zeros[CQUIC_LARGE_DATAGRAM - PROBE_FRAME];
    ngtcp2_vec content = {.base = (uint8_t *)zeros, .len = sizeof zeros};
    ngtcp2_pkt_info info;
    int is_accepted = 0;
    ngtcp2_path_storage_zero(&connection->left_over_path);
    ngtcp2_ssize size = ngtcp2_conn_writev_datagram(
        connection->conn, &connection->left_over_path.path, &info, connection->left_over, CQUIC_LARGE_DATAGRAM, &is_accepted,
        NGTCP2_WRITE_DATAGRAM_FLAG_NONE, 0, &content, 1, connection->now);
    if (size < 0) return (int)size;
    connection->left_over_size = (size_t)size;
    if (!is_accepted) return 0;
    connection->probe = (size_t)size;
    connection->probe_at = connection->now + connection->probe_pause;
    connection->probe_pause *= 2;
    return 0;
}

/// The parts that are left behind the first `skip` bytes, as many as fit and a packet of `largest` can hold; their bytes.
static size_t rest(
    const struct iovec *parts, size_t count, size_t skip, size_t largest, ngtcp2_vec *vectors, size_t room, size_t *used,
    bool *is_all) {
    size_t total = 0;
    *used = 0;
    size_t index = 0;
    for (; index < count && *used < room && total < largest; index++) {
        if (skip >= parts[index].iov_len) {
            skip -= parts[index].iov_len;
            continue;
        }
        vectors[*used].base = (uint8_t *)parts[index].iov_base + skip;
        vectors[*used].len = parts[index].iov_len - skip;
        total += vectors[*used].len;
        skip = 0;
        (*used)++;
    }
    *is_all = index == count;
    return total;
}

ssize_t cquic_write(
    cquic_connection *connection, uint8_t *room, size_t size, size_t limit, const struct iovec *parts, size_t count,
    bool is_last, size_t *taken, bool *took_last, bool *is_blocked, size_t *segment, cquic_path *path, uint64_t now) {
    connection->now = now;
    doubt_path(connection);
    size_t largest = connection->largest, at = 0, packets = 0;
    size_t quantum = ngtcp2_conn_get_send_quantum(connection->conn) / largest;
    if (limit > quantum) limit = quantum > 0 ? quantum : 1;
    *taken = 0;
    *took_last = false;
    *is_blocked = false;
    *segment = 0;
    if (connection->left_over_size > 0) {
        at = *segment = connection->left_over_size;
        memcpy(room, connection->left_over, at);
        copy_path(path, &connection->left_over_path.path);
        connection->left_over_size = 0;
        packets = 1;
    }
    while (packets < limit && size - at >= largest) {
        ngtcp2_vec vectors[16];
        size_t used = 0, total = 0;
        bool is_all = true;
        int64_t stream = -1;
        uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
        if (connection->stream >= 0 && !connection->is_stream_over && !*is_blocked && !*took_last) {
            total = rest(parts, count, *taken, largest, vectors, 16, &used, &is_all);
            if (is_last && is_all) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
            if (total > 0 || flags) stream = connection->stream;
        }
        ngtcp2_path_storage where;
        ngtcp2_path_storage_zero(&where);
        ngtcp2_pkt_info info;
        ngtcp2_ssize written = -1;
        ngtcp2_ssize packet = ngtcp2_conn_writev_stream(
            connection->conn, &where.path, &info, room + at, largest, &written, flags, stream, vectors, used, now);
        if (packet == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
            *is_blocked = true;
            continue;
        }
        if (packet == NGTCP2_ERR_STREAM_SHUT_WR || packet == NGTCP2_ERR_STREAM_NOT_FOUND) {
            connection->is_stream_over = true;
            continue;
        }
        if (packet < 0) return packet;
        if (packet == 0) break;
        if (stream >= 0 && written >= 0) {
            if (connection->under_way == 0) connection->waiting_since = now;
            connection->under_way += (size_t)written;
            *taken += (size_t)written;
            if (flags && (size_t)written == total) *took_last = true;
        }
        if (packets == 0) {
            *segment = (size_t)packet;
            copy_path(path, &where.path);
        } else if (
            (size_t)packet > *segment || where.path.remote.addrlen != path->remote_size ||
            memcmp(where.path.remote.addr, &path->remote, path->remote_size) != 0) {
            memcpy(connection->left_over, room + at, (size_t)packet);
            connection->left_over_size = (size_t)packet;
            ngtcp2_path_storage_init(
                &connection->left_over_path, where.path.local.addr, where.path.local.addrlen, where.path.remote.addr,
                where.path.remote.addrlen, NULL);
            break;
        }
        packets++;
        at += (size_t)packet;
        if (written > 0 && wants_probe(connection)) {
            int status = write_probe(connection);
            if (status != 0) return status;
            break;
        }
        if ((size_t)packet < *segment) break;
    }
    return (ssize_t)at;
}

void cquic_sent(cquic_connection *connection, uint64_t now) {
    // Before the handshake is over, 0.12 would pace by the assumed first round trip and hold back the rest of the handshake.
    if (ngtcp2_conn_get_handshake_completed(connection->conn)) ngtcp2_conn_update_pkt_tx_time(connection->conn, now);
}

// MARK: Time

uint64_t cquic_expiry(cquic_connection *connection) { return ngtcp2_conn_get_expiry(connection->conn); }

int cquic_expire(cquic_connection *connection, uint64_t now) {
    connection->now = now;
    return ngtcp2_conn_handle_expiry(connection->conn, now);
}

void cquic_keep_alive(cquic_connection *connection, uint64_t nanoseconds) {
    ngtcp2_conn_set_keep_alive_timeout(connection->conn, nanoseconds);
}

uint64_t cquic_farewell(cquic_connection *connection) { return 3 * ngtcp2_conn_get_pto(connection->conn); }

// MARK: Ending

size_t cquic_write_close(
    cquic_connection *connection, uint8_t *packet, size_t room, int error, cquic_path *path, uint64_t now) {
    carrier_close_error reason;
    carrier_close_default(&reason);
    int alert = ngtcp2_conn_get_tls_alert(connection->conn);
    if (error == NGTCP2_ERR_CRYPTO && alert) {
        carrier_close_alert(&reason, (uint8_t)alert, NULL, 0);
    } else if (error != 0) {
        carrier_close_library(&reason, error, NULL, 0);
    } else {
        carrier_close_application(&reason, 0, NULL, 0);
    }
    ngtcp2_path_storage where;
    ngtcp2_path_storage_zero(&where);
    ngtcp2_pkt_info info;
    ngtcp2_ssize size =
        ngtcp2_conn_write_connection_close(connection->conn, &where.path, &info, packet, room, &reason, now);
    if (size <= 0) return 0;
    copy_path(path, &where.path);
    return (size_t)size;
}

bool cquic_is_draining(cquic_connection *connection) { return carrier_is_draining(connection->conn); }

bool cquic_is_silent_end(int error) {
    return error == NGTCP2_ERR_DRAINING || error == NGTCP2_ERR_CLOSING || error == NGTCP2_ERR_IDLE_CLOSE ||
        error == NGTCP2_ERR_DROP_CONN;
}

void cquic_remote_end(cquic_connection *connection, cquic_end *end) {
#if NGTCP2_VERSION_NUM >= 0x010000
    const ngtcp2_ccerr *error = ngtcp2_conn_get_ccerr(connection->conn);
#else
    ngtcp2_connection_close_error stored, *error = &stored;
    ngtcp2_conn_get_connection_close_error(connection->conn, error);
#endif
    memset(end, 0, sizeof *end);
    end->alert = -1;
    if (connection->was_reset) {
        strcpy(end->reason, "the other side does not know this connection any more");
        return;
    }
    end->code = error->error_code;
    end->is_orderly = error->error_code == 0;
    if (error->type != CARRIER_CLOSE_TYPE_APPLICATION && error->error_code >= 0x100 && error->error_code <= 0x1ff) {
        end->alert = (int)(error->error_code & 0xff);
    }
    size_t size = error->reasonlen < sizeof end->reason - 1 ? error->reasonlen : sizeof end->reason - 1;
    if (error->reason) memcpy(end->reason, error->reason, size);
}

const char *cquic_error(int code) { return ngtcp2_strerror(code); }
#endif
