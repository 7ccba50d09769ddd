package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"helm.sh/helm/v4/pkg/provenance"

	"plumb.dev/plumb/internal/signature"
)

// signer is an OpenPGP key, and its public half in armour.
func signer(t testing.TB) (*openpgp.Entity, string) {
	t.Helper()
	key, err := openpgp.NewEntity("Ada", "", "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, "PGP PUBLIC KEY BLOCK", nil)
	if err == nil {
		err = errors.Join(key.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return key, b.String()
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestProvenance holds against what Helm itself signs.
func TestProvenance(t *testing.T) {
	t.Parallel()
	ada, public := signer(t)
	eve, _ := signer(t)
	packed := []byte("a package")
	sign := func(key *openpgp.Entity) string {
		signed, err := (&provenance.Signatory{Entity: key}).ClearSign(packed, "shop-1.0.0.tgz", []byte("name: shop\nversion: 1.0.0\n"))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	good := sign(ada)
	for name, test := range map[string]struct{ key, file, name, digest, says string }{
		"sound":          {public, good, "shop-1.0.0.tgz", digestOf(packed), ""},
		"another's key":  {public, sign(eve), "shop-1.0.0.tgz", digestOf(packed), "isn't signed by"},
		"another file":   {public, good, "shop-2.0.0.tgz", digestOf(packed), "not about shop-2.0.0.tgz"},
		"another digest": {public, good, "shop-1.0.0.tgz", digestOf([]byte("x")), "about a package of digest"},
		"changed":        {public, strings.Replace(good, "1.0.0", "2.0.0", 2), "shop-2.0.0.tgz", digestOf(packed), "isn't signed by"},
		"text before it": {public, "files:\n  x: y\n" + good, "x", "y", "not about x"},
		"no signature":   {public, "files:\n  shop-1.0.0.tgz: " + digestOf(packed), "shop-1.0.0.tgz", digestOf(packed), "no signed text"},
		"nothing":        {public, "", "shop-1.0.0.tgz", digestOf(packed), "no signed text"},
		"no key":         {"x", good, "shop-1.0.0.tgz", digestOf(packed), "no armoured OpenPGP public key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := signature.Provenance(test.key, []byte(test.file), test.name, test.digest)
			if test.says == "" != (err == nil) || err != nil && (!errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

func publicPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

func TestCosign(t *testing.T) {
	t.Parallel()
	manifest := digestOf([]byte("a manifest"))
	said := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"r/shop"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, manifest)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	withEC := func(b []byte) string {
		sum := sha256.Sum256(b)
		signed, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(signed)
	}
	other := bytes.Replace(said, []byte("cosign container"), []byte("atomic container"), 1)
	ecPEM := publicPEM(t, &ec.PublicKey)
	for name, test := range map[string]struct {
		key       string
		payload   []byte
		signature string
		manifest  string
		says      string
	}{
		"sound":            {ecPEM, said, withEC(said), manifest, ""},
		"another key":      {publicPEM(t, edPublic), said, withEC(said), manifest, "not one of the key"},
		"another manifest": {ecPEM, said, withEC(said), digestOf(nil), "is for sha256:"},
		"changed payload":  {ecPEM, append(bytes.Clone(said), ' '), withEC(said), manifest, "not one of the key"},
		"another payload":  {ecPEM, other, withEC(other), manifest, "no payload of cosign"},
		"no base64":        {ecPEM, said, "!", manifest, "not in base64"},
		"no key":           {"x", said, withEC(said), manifest, "no public key in PEM"},
		"a certificate":    {strings.ReplaceAll(ecPEM, "PUBLIC KEY", "CERTIFICATE"), said, withEC(said), manifest, "no public key in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := signature.Cosign(test.key, test.payload, test.signature, test.manifest)
			if test.says == "" != (err == nil) || err != nil && (!errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

func TestCosignBundle(t *testing.T) {
	t.Parallel()
	hex := strings.TrimPrefix(digestOf([]byte("a manifest")), "sha256:")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, &ec.PublicKey)
	seal := func(payloadType, statement string) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(statement), statement))
		signed, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{"payload":%q,"payloadType":%q,"signatures":[{"sig":%q}]}}`,
			base64.StdEncoding.EncodeToString([]byte(statement)), payloadType, base64.StdEncoding.EncodeToString(signed))
	}
	const inToto, sign = "application/vnd.in-toto+json", "https://sigstore.dev/cosign/sign/v1"
	about := func(digest, predicate string) string {
		return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`, digest, predicate)
	}
	good := seal(inToto, about(hex, sign))
	for name, test := range map[string]struct{ key, bundle, says string }{
		"sound":             {public, good, ""},
		"another manifest":  {public, seal(inToto, about(strings.Repeat("0", 64), sign)), "not for the manifest"},
		"another statement": {public, seal(inToto, about(hex, "https://spdx.dev/Document")), "no statement of cosign sign"},
		"another type":      {public, seal("text/plain", about(hex, sign)), "no signed statement"},
		"changed":           {public, strings.Replace(good, `"payload":"`, `"payload":"ICAg`, 1), "not one of the key"},
		"no signature":      {public, `{"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json"}}`, "no signed statement"},
		"a message":         {public, `{"messageSignature":{"signature":"x"}}`, "no signed statement"},
		"no JSON":           {public, "x", "no signed statement"},
		"keyless":           {public, strings.Replace(good, `"publicKey":{"hint":"x"}`, `"certificate":{"rawBytes":"MIIC"}`, 1), "is keyless"},
		"no key":            {"x", good, "no public key in PEM"},
	} {
		err := signature.CosignBundle(test.key, []byte(test.bundle), "sha256:"+hex)
		if test.says == "" != (err == nil) || err != nil && (!errors.Is(err, signature.ErrUnverified) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

func FuzzProvenance(f *testing.F) {
	_, public := signer(f)
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: x\n\n...\nfiles:\n  a: b\n-----BEGIN PGP SIGNATURE-----\n\nwsBc\n-----END PGP SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if signature.Provenance(public, b, "a", "b") == nil {
			t.Error("what nobody signed is verified")
		}
	})
}
