#include "CBoringSSL.h"

#ifdef BORINGSSL
#include <CCryptoBoringSSL_cipher.h>
#include <CCryptoBoringSSL_err.h>

static EVP_CIPHER_CTX *cipher(carrier_gcm *context) { return (EVP_CIPHER_CTX *)context; }

carrier_gcm *carrier_gcm_new(void) { return (carrier_gcm *)EVP_CIPHER_CTX_new(); }

void carrier_gcm_free(carrier_gcm *context) { EVP_CIPHER_CTX_free(cipher(context)); }

int carrier_gcm_set_key(carrier_gcm *context, const uint8_t *key) {
    return EVP_CipherInit_ex(cipher(context), EVP_aes_256_gcm(), NULL, key, NULL, 1);
}

int carrier_gcm_begin(carrier_gcm *context, int seals, const uint8_t *nonce) {
    return EVP_CipherInit_ex(cipher(context), NULL, NULL, NULL, nonce, seals);
}

int carrier_gcm_update(carrier_gcm *context, const uint8_t *input, int count, uint8_t *output) {
    int done;
    return EVP_CipherUpdate(cipher(context), output, &done, input, count);
}

int carrier_gcm_finish_sealing(carrier_gcm *context, void *tag) {
    int done;
    uint8_t spare[EVP_MAX_BLOCK_LENGTH];
    return EVP_CipherFinal_ex(cipher(context), spare, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher(context), EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
}

int carrier_gcm_finish_opening(carrier_gcm *context, const void *tag) {
    int done;
    uint8_t spare[EVP_MAX_BLOCK_LENGTH];
    int fits = EVP_CIPHER_CTX_ctrl(cipher(context), EVP_CTRL_AEAD_SET_TAG, 16, (void *)tag) == 1 &&
               EVP_CipherFinal_ex(cipher(context), spare, &done) == 1;
    if (!fits) ERR_clear_error();
    return fits;
}
#endif
