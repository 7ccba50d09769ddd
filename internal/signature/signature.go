// Package signature checks who signed a package, by a public key: the
// provenance files of Helm (OpenPGP), and the signatures of cosign for what is
// in a registry.
//
// It is given bytes and answers; where signatures are kept, others know. A
// signature holds for one package: its digest, and where it tells one, its
// name. Transparency logs and certificates are no part of it: a key is trusted
// because someone wrote it down.
package signature

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"go.yaml.in/yaml/v3"
)

// ErrUnverified is in each error about a package that isn't signed as it has to be.
var ErrUnverified = errors.New("is not verified")

// ErrKeyless says of a signature that it has a certificate in the place of a key.
var ErrKeyless = fmt.Errorf("%w: its signature is keyless, which is not supported: sign it with cosign sign --key", ErrUnverified)

func unverified(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnverified, fmt.Sprintf(format, args...))
}

// Provenance checks a provenance file: that the key signed it, and that it is
// about the package of this name and digest (sha256:…).
func Provenance(key string, file []byte, name, digest string) error {
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key))
	if err != nil || len(ring) == 0 {
		return unverified("the key in verify.provenance is no armoured OpenPGP public key: write what gpg --armor --export prints")
	}
	block, _ := clearsign.Decode(file)
	if block == nil {
		return unverified("its provenance file holds no signed text: sign it with helm package --sign")
	}
	if _, err := openpgp.CheckDetachedSignature(ring, bytes.NewReader(block.Bytes), block.ArmoredSignature.Body, nil); err != nil {
		return unverified("its provenance file isn't signed by %s: %v", keyNames(ring), err)
	}
	sums, err := signedSums(block.Bytes)
	if err != nil {
		return err
	}
	switch signed, named := sums[name]; {
	case !named:
		return unverified("its provenance file is not about %s", name)
	case signed != digest:
		return unverified("its provenance file is about a package of digest %.80s, and this one has %s", signed, digest)
	}
	return nil
}

func keyNames(ring openpgp.EntityList) string {
	var names []string
	for _, key := range ring {
		names = append(names, strings.ToUpper(hex.EncodeToString(key.PrimaryKey.Fingerprint)))
	}
	return strings.Join(names, " or ")
}

// signedSums are the digests that a provenance file tells: behind the chart's
// own description, and the line that ends it.
func signedSums(text []byte) (map[string]string, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	end := bytes.LastIndex(text, []byte("\n...\n"))
	if end < 0 {
		return nil, unverified("its provenance file tells no digests")
	}
	var sums struct {
		Files map[string]string `yaml:"files"`
	}
	if err := yaml.Unmarshal(text[end+len("\n...\n"):], &sums); err != nil {
		return nil, unverified("its provenance file tells no digests")
	}
	return sums.Files, nil
}

// payload is what cosign signs.
type payload struct {
	Critical struct {
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
}

// cosignType is what a payload says of itself.
const cosignType = "cosign container image signature"

// Cosign checks a signature (in base64) of a payload, and that the payload is
// about the manifest of this digest (sha256:…).
func Cosign(key string, signed []byte, signature, manifest string) error {
	if err := signedBy(key, signed, signature); err != nil {
		return err
	}
	var p payload
	if err := json.Unmarshal(signed, &p); err != nil || p.Critical.Type != cosignType {
		return unverified("what is signed is no payload of cosign")
	}
	if p.Critical.Image.Digest != manifest {
		return unverified("its signature is for %.80s, and the manifest is %s", p.Critical.Image.Digest, manifest)
	}
	return nil
}

// bundle is what cosign writes since its version 3: a statement about a
// manifest, in an envelope (DSSE) that is signed.
type bundle struct {
	Envelope struct {
		Payload     []byte `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []struct {
			Signature string `json:"sig"`
		} `json:"signatures"`
	} `json:"dsseEnvelope"`
	Material struct {
		Certificate json.RawMessage `json:"certificate"`
		Chain       json.RawMessage `json:"x509CertificateChain"`
	} `json:"verificationMaterial"`
}

// statement is what is in the envelope. There are others than signatures: of
// what is in an image, or how it was built.
type statement struct {
	Type      string `json:"_type"`
	Predicate string `json:"predicateType"`
	Subject   []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
}

// What an envelope and a statement say of themselves.
const (
	statementType = "application/vnd.in-toto+json"
	inToto        = "https://in-toto.io/Statement/v"
	cosignSign    = "https://sigstore.dev/cosign/sign/v1"
)

// CosignBundle checks a bundle of cosign in the same way.
func CosignBundle(key string, content []byte, manifest string) error {
	var b bundle
	if err := json.Unmarshal(content, &b); err != nil || b.Envelope.PayloadType != statementType || len(b.Envelope.Signatures) == 0 {
		return unverified("its bundle has no signed statement in it")
	}
	if len(b.Material.Certificate)+len(b.Material.Chain) > 0 {
		return ErrKeyless
	}
	e := b.Envelope
	signed := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(e.Payload), e.Payload)
	if err := signedBy(key, signed, e.Signatures[0].Signature); err != nil {
		return err
	}
	var s statement
	if err := json.Unmarshal(e.Payload, &s); err != nil || !strings.HasPrefix(s.Type, inToto) || s.Predicate != cosignSign {
		return unverified("what is signed is no statement of cosign sign")
	}
	for _, subject := range s.Subject {
		if "sha256:"+subject.Digest["sha256"] == manifest {
			return nil
		}
	}
	return unverified("its signature is not for the manifest %s", manifest)
}
