#ifdef QUIC
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "internal.h"

// What the tickets, the compatibility mode and all other groups and signatures would bring, carrier does not use.
static const char priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-GROUP-ALL:+GROUP-X25519:"
    "+GROUP-SECP256R1:-SIGN-ALL:+SIGN-EDDSA-ED25519:%SERVER_PRECEDENCE:%DISABLE_TLS13_COMPAT_MODE";

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((status = (call)) < 0) goto failed;                                                                        \
    } while (0)

int cquic_identity_new(const uint8_t seed[32], const uint8_t public_key[32], cquic_identity **made) {
    cquic_identity *identity = calloc(1, sizeof *identity);
    if (!identity) return GNUTLS_E_MEMORY_ERROR;
    int status;
    gnutls_datum_t x = {(unsigned char *)public_key, 32}, k = {(unsigned char *)seed, 32};
    unsigned char serial[8] = {1};
    TRY(gnutls_x509_privkey_init(&identity->key));
    TRY(gnutls_x509_privkey_import_ecc_raw(identity->key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k));
    TRY(gnutls_x509_crt_init(&identity->certificate));
    TRY(gnutls_x509_crt_set_version(identity->certificate, 3));
    TRY(gnutls_rnd(GNUTLS_RND_NONCE, serial + 1, sizeof serial - 1));
    TRY(gnutls_x509_crt_set_serial(identity->certificate, serial, sizeof serial));
    // Nobody looks at the dates: the key is what counts. A clock that is wrong by a day must not matter either.
    time_t now = time(NULL);
    TRY(gnutls_x509_crt_set_activation_time(identity->certificate, now - 7 * 86400));
    TRY(gnutls_x509_crt_set_expiration_time(identity->certificate, now + 3650l * 86400));
    const char *error;
    TRY(gnutls_x509_crt_set_dn(identity->certificate, "CN=carrier", &error));
    TRY(gnutls_x509_crt_set_key(identity->certificate, identity->key));
    TRY(gnutls_x509_crt_set_key_usage(identity->certificate, GNUTLS_KEY_DIGITAL_SIGNATURE));
    // Ed25519 hashes with SHA-512 itself; GnuTLS wants to hear it.
    TRY(gnutls_x509_crt_sign2(identity->certificate, identity->certificate, identity->key, GNUTLS_DIG_SHA512, 0));
    TRY(gnutls_certificate_allocate_credentials(&identity->credentials));
    TRY(gnutls_certificate_set_x509_key(identity->credentials, &identity->certificate, 1, identity->key));
    TRY(gnutls_priority_init(&identity->priorities, priorities, &error));
    *made = identity;
    return 0;
failed:
    cquic_identity_free(identity);
    return status;
}

void cquic_identity_free(cquic_identity *identity) {
    if (!identity) return;
    if (identity->priorities) gnutls_priority_deinit(identity->priorities);
    if (identity->credentials) gnutls_certificate_free_credentials(identity->credentials);
    if (identity->certificate) gnutls_x509_crt_deinit(identity->certificate);
    if (identity->key) gnutls_x509_privkey_deinit(identity->key);
    free(identity);
}

const char *cquic_tls_error(int code) { return gnutls_strerror(code); }

/// Takes the other side's certificate for what it is: a key. TLS has it prove that it holds the private half.
static int verify(gnutls_session_t session) {
    ngtcp2_crypto_conn_ref *reference = gnutls_session_get_ptr(session);
    cquic_connection *connection = reference->user_data;
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (!chain || count == 0) return GNUTLS_E_CERTIFICATE_ERROR;
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0) return GNUTLS_E_CERTIFICATE_ERROR;
    gnutls_datum_t x = {NULL, 0}, y = {NULL, 0};
    gnutls_ecc_curve_t curve;
    bool is_good = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) >= 0 &&
        gnutls_x509_crt_get_pk_algorithm(certificate, NULL) == GNUTLS_PK_EDDSA_ED25519 &&
        gnutls_x509_crt_get_pk_ecc_raw(certificate, &curve, &x, &y) >= 0 && x.size == sizeof connection->peer_key;
    if (is_good) {
        memcpy(connection->peer_key, x.data, x.size);
        connection->has_peer_key = true;
    }
    gnutls_free(x.data);
    gnutls_free(y.data);
    gnutls_x509_crt_deinit(certificate);
    return is_good ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/// One line in the format of SSLKEYLOGFILE.
static int log_keys(gnutls_session_t session, const char *label, const gnutls_datum_t *secret) {
    ngtcp2_crypto_conn_ref *reference = gnutls_session_get_ptr(session);
    cquic_connection *connection = reference->user_data;
    gnutls_datum_t client, server;
    gnutls_session_get_random(session, &client, &server);
    char line[256];
    size_t at = strlen(label);
    if (at + 2 + 2 * (client.size + secret->size) + 1 > sizeof line) return 0;
    memcpy(line, label, at);
    static const char digits[] = "0123456789abcdef";
    const gnutls_datum_t *parts[] = {&client, secret};
    for (int part = 0; part < 2; part++) {
        line[at++] = ' ';
        for (unsigned i = 0; i < parts[part]->size; i++) {
            line[at++] = digits[parts[part]->data[i] >> 4];
            line[at++] = digits[parts[part]->data[i] & 15];
        }
    }
    line[at] = 0;
    connection->events->keys(connection->owner, line);
    gnutls_memset(line, 0, sizeof line);
    return 0;
}

/// A client that does not speak carrier/1 is told so instead of being served.
static int check_protocol(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message) {
    (void)type, (void)when, (void)incoming, (void)message;
    gnutls_datum_t protocol;
    return gnutls_alpn_get_selected_protocol(session, &protocol) < 0 ? GNUTLS_E_NO_APPLICATION_PROTOCOL : 0;
}

static ngtcp2_conn *connection_of(ngtcp2_crypto_conn_ref *reference) {
    return ((cquic_connection *)reference->user_data)->conn;
}

int cquic_start_tls(cquic_connection *connection, const cquic_settings *settings, bool is_client) {
    const cquic_identity *identity = settings->identity;
    int status;
    unsigned flags = (is_client ? GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT : GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET) |
        GNUTLS_NO_TICKETS | GNUTLS_NO_END_OF_EARLY_DATA;
    TRY(gnutls_init(&connection->tls, flags));
    TRY(gnutls_priority_set(connection->tls, identity->priorities));
    status = is_client ? ngtcp2_crypto_gnutls_configure_client_session(connection->tls)
                       : ngtcp2_crypto_gnutls_configure_server_session(connection->tls);
    if (status != 0) return GNUTLS_E_INTERNAL_ERROR;
    connection->reference.get_conn = connection_of;
    connection->reference.user_data = connection;
    gnutls_session_set_ptr(connection->tls, &connection->reference);
    TRY(gnutls_credentials_set(connection->tls, GNUTLS_CRD_CERTIFICATE, identity->credentials));
    gnutls_datum_t protocol = {(unsigned char *)"carrier/1", 9};
    TRY(gnutls_alpn_set_protocols(connection->tls, &protocol, 1, GNUTLS_ALPN_MANDATORY));
    gnutls_session_set_verify_function(connection->tls, verify);
    if (settings->keeps_keys) gnutls_session_set_keylog_function(connection->tls, log_keys);
    if (!is_client) {
        gnutls_handshake_set_hook_function(connection->tls, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST, check_protocol);
        gnutls_certificate_server_set_request(connection->tls, GNUTLS_CERT_REQUIRE);
        gnutls_certificate_send_x509_rdn_sequence(connection->tls, 1);
    }
    return 0;
failed:
    return status;
}

int cquic_alert(cquic_connection *connection) { return ngtcp2_conn_get_tls_alert(connection->conn); }
const char *cquic_alert_name(int alert) {
    const char *name = gnutls_alert_get_name((gnutls_alert_description_t)alert);
    return name ? name : "unknown alert";
}
#endif
