import CarrierCrypto

/// Seals with a context of its own; ciphertext and tag.
func seal(_ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], data: [UInt8]) throws -> [UInt8] {
    let cipher = try AESGCM(key: SecretBytes(key))
    return try seal(plaintext, with: cipher, nonce: nonce, data: data)
}

/// Seals with a context that may have sealed before.
func seal(_ plaintext: [UInt8], with cipher: AESGCM, nonce: [UInt8], data: [UInt8] = []) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: plaintext.count + AESGCM.tagSize)
    try output.withUnsafeMutableBytes { output in
        try plaintext.withUnsafeBytes { plaintext in
            try nonce.withUnsafeBytes { nonce in
                try data.withUnsafeBytes { data in
                    try cipher.seal(plaintext, nonce: nonce, authenticating: data, into: output)
                }
            }
        }
    }
    return output
}

/// Opens with a context of its own.
func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], data: [UInt8]) throws -> [UInt8] {
    let cipher = try AESGCM(key: SecretBytes(key))
    return try open(sealed, with: cipher, nonce: nonce, data: data)
}

/// Opens with a context that may have opened before.
func open(_ sealed: [UInt8], with cipher: AESGCM, nonce: [UInt8], data: [UInt8] = []) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: max(0, sealed.count - AESGCM.tagSize))
    try output.withUnsafeMutableBytes { output in
        try sealed.withUnsafeBytes { sealed in
            try nonce.withUnsafeBytes { nonce in
                try data.withUnsafeBytes { data in
                    try cipher.open(sealed, nonce: nonce, authenticating: data, into: output)
                }
            }
        }
    }
    return output
}
