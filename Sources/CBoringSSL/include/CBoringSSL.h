// AES-256-GCM by the BoringSSL inside swift-crypto, for the trait BoringSSL. Its headers name what OpenSSL's name too, so that
// Swift must not see both: only gcm.c sees them. BoringSSL is no product of swift-crypto and promises nothing: hence an exact
// version.
#pragma once
#include <stdint.h>

// One context for many messages, under one key. What returns an int returns 1 when BoringSSL did it.
typedef struct carrier_gcm carrier_gcm;

carrier_gcm *carrier_gcm_new(void);
void carrier_gcm_free(carrier_gcm *context);
// A key of 32 bytes.
int carrier_gcm_set_key(carrier_gcm *context, const uint8_t *key);
// A nonce of 12 bytes.
int carrier_gcm_begin(carrier_gcm *context, int seals, const uint8_t *nonce);
// Transforms bytes; authenticates them alone where there is no output.
int carrier_gcm_update(carrier_gcm *context, const uint8_t *input, int count, uint8_t *output);
// The tag takes 16 bytes.
int carrier_gcm_finish_sealing(carrier_gcm *context, void *tag);
// Whether all that was opened is what the tag's 16 bytes vouch for.
int carrier_gcm_finish_opening(carrier_gcm *context, const void *tag);
