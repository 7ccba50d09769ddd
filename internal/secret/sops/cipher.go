package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"regexp"
)

// sealed is an encrypted value.
var sealed = regexp.MustCompile(`^ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:([a-z]+)\]$`)

var errValue = errors.New("was changed after it was encrypted, or stood somewhere else then")

// unseal decrypts one value. It was bound to its place when it was encrypted.
func unseal(value string, key []byte, place string) (plain, kind string, err error) {
	if value == "" {
		return "", kindText, nil // SOPS leaves what is empty as it is
	}
	parts := sealed.FindStringSubmatch(value)
	if parts == nil {
		return "", "", errValue
	}
	var raw [3][]byte
	for i := range raw {
		if raw[i], err = base64.StdEncoding.DecodeString(parts[1+i]); err != nil {
			return "", "", errValue
		}
	}
	data, nonce, tag := raw[0], raw[1], raw[2]
	block, err := aes.NewCipher(key)
	if err != nil || len(nonce) == 0 {
		return "", "", errValue
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil {
		return "", "", errValue
	}
	opened, err := gcm.Open(nil, nonce, append(data, tag...), []byte(place))
	if err != nil {
		return "", "", errValue
	}
	return string(opened), parts[4], nil
}
