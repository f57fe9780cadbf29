// The limit that OpenSSL and read/write set: what a bare C program reaches that does nothing but carrier's data path.
//
//   limit listen PORTFILE >OUT      accepts one connection on loopback, opens its records, writes them to stdout
//   limit dial PORT <IN             reads 64 KiB at a time, seals each with AES-256-GCM, writes it to the socket
//   limit sink PORTFILE             the same as listen, but what it opens stays in memory
//   limit send PORT MIB             the same as dial, from memory; prints MB/s
//   limit echo PORTFILE             sends every byte of one connection back
//   limit pingpong PORT N           N round trips of 32 bytes, one at a time; prints p50 and p99 in microseconds, and trips a second
//   limit drain PORTFILE            reads one connection to its end
//   limit messages PORT N           writes N messages of 64 bytes, one a call; prints messages a second
//   limit source MIB >OUT           writes so much of a pattern
//   limit check MIB <IN             compares it to the byte; says what differs
//
// A record is a u32 length and ciphertext with its tag. The key is fixed: this measures, it protects nothing.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 65536, TAG = 16 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(int fd, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0) fail("write");
        bytes += done;
        count -= (size_t)done;
    }
}

// Fills `bytes` as far as the input goes; says how far.
static size_t read_full(int fd, unsigned char *bytes, size_t count) {
    size_t have = 0;
    while (have < count) {
        ssize_t done = read(fd, bytes + have, count - have);
        if (done < 0) fail("read");
        if (done == 0) break;
        have += (size_t)done;
    }
    return have;
}

static int accept_one(const char *port_file) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.new", port_file);
    FILE *file = fopen(temporary, "w");
    if (!file) fail(temporary);
    fprintf(file, "%d\n", ntohs(address.sin_port));
    fclose(file);
    rename(temporary, port_file);
    int link = accept(listener, NULL, NULL);
    if (link < 0) fail("accept");
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return link;
}

static int connect_to(const char *port) {
    int link = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(link, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return link;
}

static EVP_CIPHER_CTX *cipher(int seals) {
    static const unsigned char key[32] = {1};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, NULL, seals)) exit(1);
    return context;
}

static void begin(EVP_CIPHER_CTX *context, uint64_t counter, int seals) {
    unsigned char nonce[12] = {0};
    memcpy(nonce + 4, &counter, 8);
    EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, seals);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

// Seals what stdin brings, or `mib` of memory, and waits until the other side has all.
static void dial(const char *port, long mib) {
    static unsigned char plain[PIECE], record[4 + PIECE + TAG];
    int link = connect_to(port), count = 0;
    EVP_CIPHER_CTX *context = cipher(1);
    uint64_t pieces = (uint64_t)mib * (1 << 20) / PIECE;
    double start = now();
    for (uint64_t counter = 0; mib == 0 || counter < pieces; counter++) {
        ssize_t have = mib ? PIECE : read(0, plain, PIECE);
        if (have <= 0) break;
        begin(context, counter, 1);
        EVP_EncryptUpdate(context, record + 4, &count, plain, (int)have);
        EVP_EncryptFinal_ex(context, record + 4 + have, &count);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, record + 4 + have);
        uint32_t length = (uint32_t)have + TAG;
        memcpy(record, &length, 4);
        write_all(link, record, 4 + length);
    }
    shutdown(link, SHUT_WR);
    if (read(link, plain, 1) != 0) fail("read");
    if (mib) printf("%.0f\n", (double)mib * (1 << 20) / (now() - start));
}

static void listen_and_open(const char *port_file, int keeps) {
    static unsigned char plain[PIECE], record[PIECE + TAG];
    int link = accept_one(port_file), count = 0;
    EVP_CIPHER_CTX *context = cipher(0);
    for (uint64_t counter = 0;; counter++) {
        uint32_t length;
        if (read_full(link, (unsigned char *)&length, 4) < 4 || length < TAG || length > sizeof record) break;
        if (read_full(link, record, length) < length) break;
        begin(context, counter, 0);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, record + length - TAG);
        EVP_DecryptUpdate(context, plain, &count, record, (int)length - TAG);
        if (EVP_DecryptFinal_ex(context, plain, &count) != 1) exit(1);
        if (!keeps) write_all(1, plain, length - TAG);
    }
}

static void echo(const char *port_file) {
    static unsigned char bytes[PIECE];
    int link = accept_one(port_file);
    ssize_t have;
    while ((have = read(link, bytes, sizeof bytes)) > 0) write_all(link, bytes, (size_t)have);
}

static int by_value(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

static void pingpong(const char *port, int rounds) {
    unsigned char bytes[32] = {0};
    int link = connect_to(port);
    double *times = calloc((size_t)rounds, sizeof *times), begin = now();
    for (int round = 0; round < rounds; round++) {
        double start = now();
        write_all(link, bytes, sizeof bytes);
        if (read_full(link, bytes, sizeof bytes) < sizeof bytes) fail("read");
        times[round] = now() - start;
    }
    double took = now() - begin;
    qsort(times, (size_t)rounds, sizeof *times, by_value);
    printf("p50 %.1f p99 %.1f rate %.0f\n", times[rounds / 2], times[rounds * 99 / 100], rounds / took * 1e6);
}

static void drain(const char *port_file) {
    static unsigned char bytes[PIECE];
    int link = accept_one(port_file);
    while (read(link, bytes, sizeof bytes) > 0) {}
}

// Counts until the other side has all.
static void messages(const char *port, int count) {
    unsigned char bytes[64] = {0};
    int link = connect_to(port);
    double start = now();
    for (int index = 0; index < count; index++) write_all(link, bytes, sizeof bytes);
    shutdown(link, SHUT_WR);
    if (read(link, bytes, 1) != 0) fail("read");
    printf("%.0f\n", count / ((now() - start) / 1e6));
}

// A pattern whose period is a prime: what is lost or comes twice shifts all that follows.
enum { PERIOD = 1048573 };

static const unsigned char *pattern(void) {
    static unsigned char bytes[PERIOD + PIECE];
    uint64_t state = 1;
    for (size_t index = 0; index < sizeof bytes; index++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[index] = index < PERIOD ? (unsigned char)(state >> 56) : bytes[index - PERIOD];
    }
    return bytes;
}

static void source(long mib) {
    const unsigned char *bytes = pattern();
    for (uint64_t done = 0; done < (uint64_t)mib << 20; done += PIECE) write_all(1, bytes + done % PERIOD, PIECE);
}

static int check(long mib) {
    static unsigned char piece[PIECE];
    const unsigned char *bytes = pattern();
    uint64_t done = 0;
    ssize_t have;
    while ((have = read(0, piece, PIECE)) > 0) {
        if (memcmp(piece, bytes + done % PERIOD, (size_t)have))
            return fprintf(stderr, "limit: bytes differ after %llu\n", (unsigned long long)done), 1;
        done += (uint64_t)have;
    }
    if (done != (uint64_t)mib << 20)
        return fprintf(stderr, "limit: expected %ld MiB, got %llu bytes\n", mib, (unsigned long long)done), 1;
    return 0;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    if (count == 3 && !strcmp(mode, "listen")) listen_and_open(words[2], 0);
    else if (count == 3 && !strcmp(mode, "dial")) dial(words[2], 0);
    else if (count == 3 && !strcmp(mode, "sink")) listen_and_open(words[2], 1);
    else if (count == 4 && !strcmp(mode, "send")) dial(words[2], atol(words[3]));
    else if (count == 3 && !strcmp(mode, "echo")) echo(words[2]);
    else if (count == 4 && !strcmp(mode, "pingpong")) pingpong(words[2], atoi(words[3]));
    else if (count == 3 && !strcmp(mode, "drain")) drain(words[2]);
    else if (count == 4 && !strcmp(mode, "messages")) messages(words[2], atoi(words[3]));
    else if (count == 3 && !strcmp(mode, "source")) source(atol(words[2]));
    else if (count == 3 && !strcmp(mode, "check")) return check(atol(words[2]));
    else return fprintf(stderr, "limit: see the head of Benchmarks/limit.c\n"), 64;
    return 0;
}
