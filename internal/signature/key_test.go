package signature_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/signature"
)

// TestKeysOfCosign: every kind of key that cosign makes, imports or has in a KMS,
// with each way to sign that goes with it.
func TestKeysOfCosign(t *testing.T) {
	t.Parallel()
	manifest := digestOf([]byte("a manifest"))
	said := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"}}`, manifest)
	p256, p384, p521 := curve(t, elliptic.P256()), curve(t, elliptic.P384()), curve(t, elliptic.P521())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus := make(map[int]crypto.Signer)
	for _, bits := range []int{2048, 3072} {
		if modulus[bits], err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			t.Fatal(err)
		}
	}
	pss := func(hash crypto.Hash, salt int) crypto.SignerOpts {
		return &rsa.PSSOptions{Hash: hash, SaltLength: salt}
	}
	for name, test := range map[string]struct {
		key  crypto.Signer
		by   crypto.SignerOpts
		says string
	}{
		"P-256":                        {p256, crypto.SHA256, ""},
		"P-384":                        {p384, crypto.SHA384, ""},
		"P-384, SHA-256":               {p384, crypto.SHA256, ""},
		"P-521":                        {p521, crypto.SHA512, ""},
		"P-521, SHA-256":               {p521, crypto.SHA256, ""},
		"Ed25519":                      {ed, crypto.Hash(0), ""},
		"Ed25519ph":                    {ed, crypto.SHA512, ""},
		"RSA 2048":                     {modulus[2048], crypto.SHA256, ""},
		"RSA 3072":                     {modulus[3072], crypto.SHA256, ""},
		"RSA, SHA-512":                 {modulus[2048], crypto.SHA512, ""},
		"RSA-PSS":                      {modulus[2048], pss(crypto.SHA256, rsa.PSSSaltLengthEqualsHash), ""},
		"RSA-PSS, the longest salt":    {modulus[2048], pss(crypto.SHA256, rsa.PSSSaltLengthAuto), ""},
		"RSA-PSS, SHA-512":             {modulus[3072], pss(crypto.SHA512, rsa.PSSSaltLengthEqualsHash), ""},
		"P-256, a hash that isn't its": {p256, crypto.SHA512, "not one of the key"},
		"RSA, a weak hash":             {modulus[2048], crypto.SHA1, "not one of the key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := crypto.SignMessage(test.key, rand.Reader, said, test.by)
			if err != nil {
				t.Fatal(err)
			}
			err = signature.Cosign(publicPEM(t, test.key.Public()), said, base64.StdEncoding.EncodeToString(signed), manifest)
			if test.says == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
			signed[len(signed)/2] ^= 1
			if err := signature.Cosign(publicPEM(t, test.key.Public()), said, base64.StdEncoding.EncodeToString(signed), manifest); err == nil {
				t.Error("a changed signature is taken")
			}
		})
	}
}

// TestKeysThatAreRefused: keys that are too weak, or of no use.
func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ key, says string }{
		"weak RSA":        {weakRSA, "RSA with 1024 bits"},
		"no signing key":  {publicPEM(t, exchange.PublicKey()), "isn't supported"},
		"what isn't one":  {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "can't be read"},
		"a private key":   {"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----", "no public key in PEM"},
		"the name of one": {"awskms:///alias/a", "no public key in PEM"},
	} {
		if err := signature.Cosign(test.key, []byte("{}"), "AAAA", "sha256:0"); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

func curve(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// weakRSA is a key that nothing makes any more.
const weakRSA = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDxfDstQBbpB8eTZzxEctdrm2I
ecaUZ+iInM2j+UC2wxie/rMfqBAYATKtQH08IBVQ69YQMqlEDN2kW842XZvxHWau
pyaBDSYuxDZwXiyGNVDlvHL3Y3ojl+fb8hTMnsGugv84d5OyFAAhesYajl09cqri
cBmk9lRFS+1HsjhkmQIDAQAB
-----END PUBLIC KEY-----`
