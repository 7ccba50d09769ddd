package secret

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
)

// controllerKey is a private key, and its PEM.
func controllerKey(tb testing.TB, pkcs8 bool) (*rsa.PrivateKey, string) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if pkcs8 {
		block.Type = "PRIVATE KEY"
		if block.Bytes, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			tb.Fatal(err)
		}
	}
	return key, string(pem.EncodeToMemory(block))
}

func secretOf(pem string) string {
	return "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: sealed-secrets-key, creationTimestamp: \"2026-01-01T00:00:00Z\"}\n" +
		"data:\n  tls.crt: " + base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")) +
		"\n  tls.key: " + base64.StdEncoding.EncodeToString([]byte(pem)) + "\n"
}

// TestSealedKeys: a controller's keys are read in every form in which people
// keep them.
func TestSealedKeys(t *testing.T) {
	t.Parallel()
	a, aPEM := controllerKey(t, false)
	b, bPEM := controllerKey(t, true)
	list := "apiVersion: v1\nkind: List\nitems:\n"
	for _, s := range []string{secretOf(aPEM), secretOf(bPEM)} {
		list += "- " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
	}
	for name, content := range map[string]string{
		"PEM": aPEM + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + bPEM, "Secrets": secretOf(aPEM) + "---\n" + secretOf(bPEM), "a List": list,
	} {
		keys, err := Load(Files{Sealed: []string{written(t, content, 0o600)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ring, err := keys.Ring()
		if err != nil || ring.Seals() != 2 || len(ring.Names()) != 0 || len(ring.All()) != 2 || !strings.HasPrefix(ring.All()[0].Name, "SHA256:") {
			t.Errorf("%s: %v, %v", name, ring.All(), err)
		}
		for _, key := range []*rsa.PrivateKey{a, b} {
			message, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &key.PublicKey, []byte("session"), []byte("ns/name"))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := ring.OpenSealed(message, []byte("ns/name")); err != nil || string(plain) != "session" {
				t.Errorf("%s: %q, %v", name, plain, err)
			}
			if _, err := ring.OpenSealed(message, []byte("ns/other")); err == nil {
				t.Errorf("%s: opened elsewhere", name)
			}
		}
	}
}

func TestBadSealedKeys(t *testing.T) {
	t.Parallel()
	_, good := controllerKey(t, false)
	for content, says := range map[string]string{
		"": "there is no private key in it", "kind: List\nitems: []\n": "there is no private key in it", "- a\n- CANARY\n": "is neither PEM nor YAML",
		"data: {tls.key: CANARY!}": "is neither PEM nor YAML", good[:len(good)/2]: "there is no private key in it",
		"-----BEGIN RSA PRIVATE KEY-----\nQ0FOQVJZ\n-----END RSA PRIVATE KEY-----\n": "block 1 is no private RSA key",
		strings.Repeat(good, maxSealed+1):                                            "above the limit of 50",
	} {
		_, err := Load(Files{Sealed: []string{written(t, content, 0o600)}})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), "Q0FOQVJZ") {
			t.Errorf("%.40q: %v; want %q", content, err, says)
		}
	}
}

func FuzzSealedKeys(f *testing.F) {
	_, good := controllerKey(f, true)
	f.Add([]byte(good))
	f.Add([]byte(secretOf(good)))
	f.Fuzz(func(_ *testing.T, content []byte) { _, _ = parseSealed(content) })
}
