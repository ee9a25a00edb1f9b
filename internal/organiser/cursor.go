package organiser

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"

	"deltag/internal/deltag"
)

// sealCursor encrypts a cursor that names somebody: addresses of pages end up in logs and in browsers' histories. The
// same cursor always becomes the same text; its nonce is made of what it encrypts, so that no two texts share one.
func sealCursor(secret, plain []byte) string {
	nonce := deltag.MAC(secret, "cursor nonce "+string(plain))[:nonceSize]
	return base64.RawURLEncoding.EncodeToString(cursorCipher(secret).Seal(nonce, nonce, plain, nil))
}

// openCursor is the inverse of sealCursor. It returns false for what that has not made with the same secret.
func openCursor(secret []byte, sealed string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < nonceSize {
		return nil, false
	}
	plain, err := cursorCipher(secret).Open(nil, raw[:nonceSize], raw[nonceSize:], nil)
	return plain, err == nil
}

const nonceSize = 12 // bytes, of GCM

func cursorCipher(secret []byte) cipher.AEAD {
	block, err := aes.NewCipher(deltag.MAC(secret, "cursor key"))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // of AES, there always is one
	}
	return sealer
}
