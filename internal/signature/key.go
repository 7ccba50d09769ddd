package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha512" // registers the hash functions of keys beyond the usual ones
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// The bits that the modulus of an RSA key may have. A larger one only costs time.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

// cosignKey reads a public key, of any kind that cosign signs with: its own, those
// that it imports, and those of a KMS that it exports.
func cosignKey(key string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(key)))
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, unverified("the key in verify.cosign is no public key in PEM: write what is in cosign.pub")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, unverified("the key in verify.cosign can't be read: %v", err)
	}
	return public, supported(public)
}

func supported(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < leastRSA || bits > mostRSA {
			return unverified("the key in verify.cosign is of RSA with %d bits: use one of %d to %d", bits, leastRSA, mostRSA)
		}
		return nil
	}
	return unverified("the key in verify.cosign is of a kind (%T) that isn't supported: use ECDSA, RSA or Ed25519", public)
}

// signedBy checks a signature in base64.
func signedBy(key string, signed []byte, signature string) error {
	public, err := cosignKey(key)
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return unverified("its signature is not in base64")
	}
	if !signs(public, signed, raw) {
		return unverified("its signature is not one of the key in verify.cosign")
	}
	return nil
}

// signs checks a signature in each of the ways that cosign signs with such a key.
// Which one it was, nothing but the signature itself tells.
func signs(public crypto.PublicKey, signed, signature []byte) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsaSigns(key, signed, signature)
	case *rsa.PublicKey:
		return rsaSigns(key, signed, signature)
	case ed25519.PublicKey:
		hashed := ed25519.VerifyWithOptions(key, sum(crypto.SHA512, signed), signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
		return hashed || ed25519.Verify(key, signed, signature)
	}
	return false
}

// ecdsaSigns: keys in files sign SHA-256 sums whatever their curve is; those in a
// KMS, and cosign since its version 3, sums of the length of the curve.
func ecdsaSigns(key *ecdsa.PublicKey, signed, signature []byte) bool {
	own := map[int]crypto.Hash{384: crypto.SHA384, 521: crypto.SHA512}[key.Curve.Params().BitSize]
	return ecdsa.VerifyASN1(key, sum(crypto.SHA256, signed), signature) || own != 0 && ecdsa.VerifyASN1(key, sum(own, signed), signature)
}

// rsaSigns: keys in files sign by PKCS #1 v1.5; those in a KMS have a scheme and
// a hash function of their own.
func rsaSigns(key *rsa.PublicKey, signed, signature []byte) bool {
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		hashed := sum(hash, signed)
		if rsa.VerifyPKCS1v15(key, hash, hashed, signature) == nil || rsa.VerifyPSS(key, hash, hashed, signature, nil) == nil {
			return true
		}
	}
	return false
}

func sum(hash crypto.Hash, of []byte) []byte {
	h := hash.New()
	h.Write(of)
	return h.Sum(nil)
}
