// QUIC v1 over ngtcp2 and GnuTLS, as little of it as carrier uses: one connection with one bidirectional stream. Hides what
// differs between ngtcp2 0.12 and 1.x. Everything of one connection belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Bytes of the connection ids that this side chooses.
#define CQUIC_ID_SIZE 16
/// The largest datagram that is written to another machine.
#define CQUIC_MAX_DATAGRAM 1452
/// The largest one that is written to this machine: seven of them fill a batch.
#define CQUIC_LARGE_DATAGRAM 8952

/// Who this side is: a key and its self-signed certificate. Read-only once made.
typedef struct cquic_identity cquic_identity;
typedef struct cquic_connection cquic_connection;

typedef struct {
    uint8_t size;
    uint8_t bytes[20];
} cquic_id;

/// Two ends of a path.
typedef struct {
    struct sockaddr_storage local, remote;
    socklen_t local_size, remote_size;
} cquic_path;

/// What happens in a connection, while one of its functions runs. `owner` is what was given with the connection.
typedef struct {
    /// Both sides agree on the keys; the other side has proved to hold the key of its certificate.
    void (*completed)(void *owner);
    /// The other side has accepted our certificate too.
    void (*confirmed)(void *owner);
    /// Bytes of the stream came; `is_last` with the last of them.
    void (*received)(void *owner, const uint8_t *bytes, size_t size, bool is_last);
    /// The other side has so many more bytes of the stream: they can be forgotten.
    void (*acknowledged)(void *owner, uint64_t size);
    /// The stream is over in both directions; `code` is 0 unless somebody reset it.
    void (*stream_closed)(void *owner, uint64_t code);
    /// The other side takes more again.
    void (*unblocked)(void *owner);
    /// Packets to `id` are for this connection from now on.
    void (*added)(void *owner, const uint8_t *id, size_t size);
    /// Packets to `id` are no longer for this connection.
    void (*removed)(void *owner, const uint8_t *id, size_t size);
    /// A line for the key log; only called where the connection was told to keep one.
    void (*keys)(void *owner, const char *line);
} cquic_events;

/// What a connection is to be.
typedef struct {
    const cquic_identity *identity;
    const cquic_events *events;
    void *owner;
    /// 32 bytes that stateless reset tokens and retry tokens are made of.
    const uint8_t *secret;
    /// Bytes that the other side may have under way, at first and at most.
    uint64_t window, max_window;
    /// Nanoseconds.
    uint64_t handshake_timeout, idle_timeout;
    bool keeps_keys;
} cquic_settings;

/// Returns 0, or an error of GnuTLS (see `cquic_tls_error`).
int cquic_identity_new(const uint8_t seed[32], const uint8_t public_key[32], cquic_identity **made);
void cquic_identity_free(cquic_identity *identity);
const char *cquic_tls_error(int code);
/// The text of an error that the functions below returned.
const char *cquic_error(int code);

// MARK: Packets that belong to no connection yet

typedef enum {
    /// Not a packet for us.
    CQUIC_JUNK,
    /// A packet of a connection, by its destination id.
    CQUIC_PACKET,
    /// A long packet of another version.
    CQUIC_OTHER_VERSION,
} cquic_kind;

/// What can be said of a packet without keys.
cquic_kind cquic_classify(const uint8_t *packet, size_t size, cquic_id *destination, cquic_id *source, bool *is_long);

typedef struct {
    uint32_t version;
    cquic_id destination, source;
    /// The id that the first packet had, before a retry.
    cquic_id original;
    /// Where in the packet the token lies; NULL for none.
    const uint8_t *token;
    size_t token_size;
    /// The token is one of ours and fits the sender.
    bool is_validated;
} cquic_initial;

/// Whether the packet begins a connection, and how. Checks the token where there is one.
bool cquic_read_initial(
    const uint8_t *packet, size_t size, const uint8_t *secret, const struct sockaddr *remote, socklen_t remote_size,
    uint64_t now, cquic_initial *initial);
/// Writes a packet that asks the sender to come again with a token; its size, or 0.
size_t cquic_write_retry(
    uint8_t *packet, size_t room, const cquic_initial *initial, const uint8_t *secret, const struct sockaddr *remote,
    socklen_t remote_size, uint64_t now);
/// Writes a packet that refuses the token.
size_t cquic_write_refusal(uint8_t *packet, size_t room, const cquic_initial *initial);
size_t cquic_write_versions(uint8_t *packet, size_t room, const cquic_id *destination, const cquic_id *source);
/// Writes a stateless reset for a connection that nobody knows, shorter than the packet that came.
size_t cquic_write_reset(
    uint8_t *packet, size_t room, size_t received, const cquic_id *destination, const uint8_t *secret);

// MARK: Connections. Those that return int: 0, or an error of the library.

int cquic_connect(
    cquic_connection **made, const cquic_settings *settings, const cquic_path *path, uint64_t now);
int cquic_accept(
    cquic_connection **made, const cquic_settings *settings, const cquic_path *path, const cquic_initial *initial,
    uint64_t now);
void cquic_free(cquic_connection *connection);

/// The key of the other side's certificate; false before it is known.
bool cquic_peer_key(const cquic_connection *connection, uint8_t key[32]);
/// Takes one datagram.
int cquic_read(cquic_connection *connection, const cquic_path *path, const uint8_t *packet, size_t size, uint64_t now);
/// Opens the stream, on the side that dialled.
int cquic_open_stream(cquic_connection *connection);
bool cquic_has_stream(const cquic_connection *connection);

/// Writes packets of equal size, but for the last, to one destination: what the connection has to say and bytes of the stream.
///
/// `parts`: what waits; these must stay where they are until acknowledged. `is_last`: nothing comes after them.
/// `taken`: how many bytes of them were written. `took_last`: whether the end was. `is_blocked`: the other side takes no more now.
/// `limit`: at most so many packets. Returns bytes, 0 when there is nothing to send now, or an error below 0.
ssize_t cquic_write(
    cquic_connection *connection, uint8_t *room, size_t size, size_t limit, const struct iovec *parts, size_t count,
    bool is_last, size_t *taken, bool *took_last, bool *is_blocked, size_t *segment, cquic_path *path, uint64_t now);
/// Says that what was written has been sent: what comes next is paced by it.
void cquic_sent(cquic_connection *connection, uint64_t now);

/// When `cquic_expire` is due; UINT64_MAX for never.
uint64_t cquic_expiry(cquic_connection *connection);
int cquic_expire(cquic_connection *connection, uint64_t now);
/// Lets the other side send so many more bytes.
void cquic_consumed(cquic_connection *connection, uint64_t size);
void cquic_keep_alive(cquic_connection *connection, uint64_t nanoseconds);
/// Three probe timeouts: how long a closed connection is remembered.
uint64_t cquic_farewell(cquic_connection *connection);

/// Writes the packet that ends the connection: over `error`, where it is one of the library's, else in good order.
size_t cquic_write_close(
    cquic_connection *connection, uint8_t *packet, size_t room, int error, cquic_path *path, uint64_t now);
/// The other side ended it.
bool cquic_is_draining(cquic_connection *connection);
/// Whether `error` says that the connection is over without a word to be sent.
bool cquic_is_silent_end(int error);

typedef struct {
    /// It was the other side's wish, not a failure.
    bool is_orderly;
    uint64_t code;
    /// The TLS alert of the code, or -1.
    int alert;
    char reason[128];
} cquic_end;

/// Why the other side ended it.
void cquic_remote_end(cquic_connection *connection, cquic_end *end);
/// The TLS alert that this side raised, with its name; 0 for none.
int cquic_alert(cquic_connection *connection);
const char *cquic_alert_name(int alert);
