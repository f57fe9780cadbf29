// What OpenSSL itself costs where carrier can only call it: no handshake and no search for a key can be cheaper.
//
//   primitives handshake SECONDS    prints the CPU microseconds of what one handshake needs, both sides together
//   primitives keygen SECONDS       prints Ed25519 key pairs a second, of one core
//
// A handshake is Noise XX with signed payloads (carrier-wire(7) §4.2). Each side makes an X25519 key pair, agrees on three
// secrets, verifies two Ed25519 signatures (the peer's record and its static key), and seals or opens four payloads.
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void need(int fine) {
    if (!fine) fprintf(stderr, "primitives: libcrypto refused\n"), exit(1);
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static EVP_PKEY *make_key(int kind) {
    static EVP_PKEY_CTX *contexts[2];
    EVP_PKEY_CTX **context = &contexts[kind == EVP_PKEY_ED25519];
    EVP_PKEY *key = NULL;
    if (!*context) need((*context = EVP_PKEY_CTX_new_id(kind, NULL)) && EVP_PKEY_keygen_init(*context) == 1);
    need(EVP_PKEY_keygen(*context, &key) == 1);
    return key;
}

static void agree(EVP_PKEY *own, EVP_PKEY *other) {
    unsigned char public[32], secret[32];
    size_t size = sizeof public;
    need(EVP_PKEY_get_raw_public_key(other, public, &size) == 1);
    // A peer's key comes as bytes.
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, size);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    need(EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1);
    need(EVP_PKEY_derive(context, secret, &size) == 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
}

static void verify(const unsigned char *public, const unsigned char *signature, const unsigned char *message, size_t count) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    need(EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1);
    need(EVP_DigestVerify(context, signature, 64, message, count) == 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

// Two payloads a side are sealed and as many opened; a key schedule each, as Noise changes the key with each secret.
static void seal(void) {
    static EVP_CIPHER_CTX *context;
    static unsigned char key[32], nonce[12], bytes[256], tag[16];
    int count;
    if (!context) context = EVP_CIPHER_CTX_new();
    need(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    need(EVP_EncryptUpdate(context, bytes, &count, bytes, sizeof bytes) == 1);
    need(EVP_EncryptFinal_ex(context, bytes, &count) == 1);
    need(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag) == 1);
}

static void handshake(double seconds) {
    unsigned char public[32], signature[64], message[256] = {0};
    size_t size = sizeof public, signature_size = sizeof signature;
    EVP_PKEY *identity = make_key(EVP_PKEY_ED25519), *fixed = make_key(EVP_PKEY_X25519);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    need(EVP_PKEY_get_raw_public_key(identity, public, &size) == 1);
    need(EVP_DigestSignInit(context, NULL, NULL, NULL, identity) == 1);
    need(EVP_DigestSign(context, signature, &signature_size, message, sizeof message) == 1);
    EVP_MD_CTX_free(context);
    long count = 0;
    double start = now(CLOCK_PROCESS_CPUTIME_ID), took;
    do {
        for (int side = 0; side < 2; side++) {
            EVP_PKEY *ephemeral = make_key(EVP_PKEY_X25519);
            for (int secret = 0; secret < 3; secret++) agree(ephemeral, fixed);
            for (int word = 0; word < 2; word++) verify(public, signature, message, sizeof message);
            for (int payload = 0; payload < 4; payload++) seal();
            EVP_PKEY_free(ephemeral);
        }
        count++;
    } while ((took = now(CLOCK_PROCESS_CPUTIME_ID) - start) < seconds);
    printf("%.1f\n", took / (double)count * 1e6);
}

static void keygen(double seconds) {
    unsigned char public[32];
    size_t size = sizeof public;
    long count = 0;
    double start = now(CLOCK_MONOTONIC), took;
    do {
        EVP_PKEY *key = make_key(EVP_PKEY_ED25519);
        need(EVP_PKEY_get_raw_public_key(key, public, &size) == 1);
        EVP_PKEY_free(key);
        count++;
    } while (count % 256 || (took = now(CLOCK_MONOTONIC) - start) < seconds);
    printf("%.0f\n", (double)count / took);
}

int main(int count, char **words) {
    if (count == 3 && !strcmp(words[1], "handshake")) handshake(atof(words[2]));
    else if (count == 3 && !strcmp(words[1], "keygen")) keygen(atof(words[2]));
    else return fprintf(stderr, "primitives: see the head of Benchmarks/primitives.c\n"), 64;
    return 0;
}
