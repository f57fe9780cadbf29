#pragma once
#ifdef QUIC
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "CQUIC.h"

struct cquic_identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
};

struct cquic_connection {
    ngtcp2_conn *conn;
    gnutls_session_t tls;
    ngtcp2_crypto_conn_ref reference;
    const cquic_events *events;
    void *owner;
    uint8_t secret[32];
    uint8_t peer_key[32];
    bool has_peer_key;
    bool is_client;
    /// The one stream; -1 before there is one.
    int64_t stream;
    bool is_stream_over;
    bool was_reset;
    /// It began on this machine: packets may become larger than what crosses networks.
    bool may_grow;
    /// How large packets may be; and the size of the last probe that looked whether larger ones arrive.
    size_t largest, probe;
    /// When the next probe may be sent, and how long after it the one behind that.
    uint64_t probe_at, probe_pause;
    /// Bytes of the stream that were sent and not acknowledged, and since when none has been.
    uint64_t under_way, waiting_since;
    /// When the function that runs was called.
    uint64_t now;
    /// A packet that did not fit into the batch before it.
    size_t left_over_size;
    ngtcp2_path_storage left_over_path;
    uint8_t left_over[];
};

/// Makes the TLS session; 0 or an error of GnuTLS.
int cquic_start_tls(cquic_connection *connection, const cquic_settings *settings, bool is_client);

// MARK: ngtcp2 0.12 against 1.x

#if NGTCP2_VERSION_NUM >= 0x010000
typedef ngtcp2_ccerr carrier_close_error;
#define carrier_close_default ngtcp2_ccerr_default
#define carrier_close_library ngtcp2_ccerr_set_liberr
#define carrier_close_alert ngtcp2_ccerr_set_tls_alert
#define carrier_close_application ngtcp2_ccerr_set_application_error
#define CARRIER_CLOSE_TYPE_APPLICATION NGTCP2_CCERR_TYPE_APPLICATION
#define carrier_is_draining ngtcp2_conn_in_draining_period
#define carrier_shutdown_stream(conn, stream, code) ngtcp2_conn_shutdown_stream((conn), 0, (stream), (code))
typedef ngtcp2_conn_info carrier_figures;
#define carrier_get_figures ngtcp2_conn_get_conn_info
#else
typedef ngtcp2_connection_close_error carrier_close_error;
#define carrier_close_default ngtcp2_connection_close_error_default
#define carrier_close_library ngtcp2_connection_close_error_set_transport_error_liberr
#define carrier_close_alert ngtcp2_connection_close_error_set_transport_error_tls_alert
#define carrier_close_application ngtcp2_connection_close_error_set_application_error
#define CARRIER_CLOSE_TYPE_APPLICATION NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION
#define carrier_is_draining ngtcp2_conn_is_in_draining_period
#define carrier_shutdown_stream(conn, stream, code) ngtcp2_conn_shutdown_stream((conn), (stream), (code))
typedef ngtcp2_conn_stat carrier_figures;
#define carrier_get_figures ngtcp2_conn_get_conn_stat
#endif
#endif
