#ifdef QUIC
#include <string.h>

#include <gnutls/crypto.h>

#include "internal.h"

/// A token is good for so long: who got it needs one round trip to come back.
static const ngtcp2_duration token_life = 10 * NGTCP2_SECONDS;

static ngtcp2_cid to_library(const cquic_id *id) {
    ngtcp2_cid cid;
    ngtcp2_cid_init(&cid, id->bytes, id->size);
    return cid;
}

static void from_library(cquic_id *id, const uint8_t *bytes, size_t size) {
    id->size = (uint8_t)(size < sizeof id->bytes ? size : sizeof id->bytes);
    memcpy(id->bytes, bytes, id->size);
}

cquic_kind cquic_classify(const uint8_t *packet, size_t size, cquic_id *destination, cquic_id *source, bool *is_long) {
    if (size == 0) return CQUIC_JUNK;
    ngtcp2_version_cid parts;
    int status = ngtcp2_pkt_decode_version_cid(&parts, packet, size, CQUIC_ID_SIZE);
    if (status != 0 && status != NGTCP2_ERR_VERSION_NEGOTIATION) return CQUIC_JUNK;
    // Only other versions may have longer ids, and nobody has to be told of our versions under those.
    if (parts.dcidlen > sizeof destination->bytes || parts.scidlen > sizeof source->bytes) return CQUIC_JUNK;
    from_library(destination, parts.dcid, parts.dcidlen);
    source->size = 0;
    if (parts.scid) from_library(source, parts.scid, parts.scidlen);
    *is_long = (packet[0] & 0x80) != 0;
    return status == 0 ? CQUIC_PACKET : CQUIC_OTHER_VERSION;
}

bool cquic_read_initial(
    const uint8_t *packet, size_t size, const uint8_t *secret, const struct sockaddr *remote, socklen_t remote_size,
    uint64_t now, cquic_initial *initial) {
    ngtcp2_pkt_hd head;
    if (ngtcp2_accept(&head, packet, size) != 0) return false;
    memset(initial, 0, sizeof *initial);
    initial->version = head.version;
    from_library(&initial->destination, head.dcid.data, head.dcid.datalen);
    from_library(&initial->source, head.scid.data, head.scid.datalen);
#if NGTCP2_VERSION_NUM >= 0x010000
    initial->token = head.tokenlen ? head.token : NULL;
    initial->token_size = head.tokenlen;
#else
    initial->token = head.token.len ? head.token.base : NULL;
    initial->token_size = head.token.len;
#endif
    if (initial->token && initial->token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
        ngtcp2_cid original;
        initial->is_validated = ngtcp2_crypto_verify_retry_token(
            &original, initial->token, initial->token_size, secret, 32, head.version, remote, remote_size, &head.dcid,
            token_life, now) == 0;
        if (initial->is_validated) from_library(&initial->original, original.data, original.datalen);
    }
    return true;
}

size_t cquic_write_retry(
    uint8_t *packet, size_t room, const cquic_initial *initial, const uint8_t *secret, const struct sockaddr *remote,
    socklen_t remote_size, uint64_t now) {
    ngtcp2_cid destination = to_library(&initial->destination), source = to_library(&initial->source), ours;
    ours.datalen = CQUIC_ID_SIZE;
    if (gnutls_rnd(GNUTLS_RND_NONCE, ours.data, ours.datalen) < 0) return 0;
    uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
    ngtcp2_ssize token_size = ngtcp2_crypto_generate_retry_token(
        token, secret, 32, initial->version, remote, remote_size, &ours, &destination, now);
    if (token_size < 0) return 0;
    ngtcp2_ssize size = ngtcp2_crypto_write_retry(
        packet, room, initial->version, &source, &ours, &destination, token, (size_t)token_size);
    return size < 0 ? 0 : (size_t)size;
}

size_t cquic_write_refusal(uint8_t *packet, size_t room, const cquic_initial *initial) {
    ngtcp2_cid destination = to_library(&initial->destination), source = to_library(&initial->source);
    ngtcp2_ssize size = ngtcp2_crypto_write_connection_close(
        packet, room, initial->version, &source, &destination, NGTCP2_INVALID_TOKEN, NULL, 0);
    return size < 0 ? 0 : (size_t)size;
}

size_t cquic_write_versions(uint8_t *packet, size_t room, const cquic_id *destination, const cquic_id *source) {
    uint8_t random;
    if (gnutls_rnd(GNUTLS_RND_NONCE, &random, 1) < 0) return 0;
    const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
    ngtcp2_ssize size = ngtcp2_pkt_write_version_negotiation(
        packet, room, random, source->bytes, source->size, destination->bytes, destination->size, versions, 1);
    return size < 0 ? 0 : (size_t)size;
}

size_t cquic_write_reset(
    uint8_t *packet, size_t room, size_t received, const cquic_id *destination, const uint8_t *secret) {
    // At most one byte less than what came, so that two hosts cannot reset each other for ever (RFC 9000 §10.3.3).
    size_t least = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
    if (received <= least + 1) return 0;
    size_t random_size = received - 1 - NGTCP2_STATELESS_RESET_TOKENLEN;
    uint8_t random[64], token[NGTCP2_STATELESS_RESET_TOKENLEN];
    if (random_size > 24) random_size = 24;
    ngtcp2_cid id = to_library(destination);
    if (gnutls_rnd(GNUTLS_RND_NONCE, random, random_size) < 0) return 0;
    if (ngtcp2_crypto_generate_stateless_reset_token(token, secret, 32, &id) != 0) return 0;
    ngtcp2_ssize size = ngtcp2_pkt_write_stateless_reset(packet, room, token, random, random_size);
    return size < 0 ? 0 : (size_t)size;
}
#endif
