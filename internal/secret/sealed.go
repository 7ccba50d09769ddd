package secret

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// OpenSealed decrypts the key of a value that the controller of Sealed Secrets
// is to open: RSA-OAEP with SHA-256. The label says where the value belongs.
func (r Ring) OpenSealed(message, label []byte) ([]byte, error) {
	for _, key := range r.sealed {
		if plain, err := rsa.DecryptOAEP(sha256.New(), nil, key, message, label); err == nil {
			return plain, nil
		}
	}
	return nil, errOpen
}

// Seals says how many keys there are that open Sealed Secrets.
func (r Ring) Seals() int { return len(r.sealed) }

// The bounds of a controller's keys: each is tried on each value.
const (
	maxSealed    = 50
	maxSealedRSA = 8192 // bits
)

// parseSealed reads private RSA keys in PEM, one after another, or the Secrets
// that a controller keeps them in, as kubectl get -o yaml writes them.
func parseSealed(content []byte) (Ring, error) {
	blocks := content
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		var err error
		if blocks, err = fromSecrets(content); err != nil {
			return Ring{}, err
		}
	}
	var r Ring
	for n := 1; ; n++ {
		block, rest := pem.Decode(blocks)
		if block == nil {
			break
		}
		blocks = rest
		if block.Type == "CERTIFICATE" || block.Type == "PUBLIC KEY" {
			continue
		}
		key, err := parseRSA(block)
		if err != nil {
			return Ring{}, fmt.Errorf("block %d %w", n, err)
		}
		r.sealed = append(r.sealed, key)
		r.names = append(r.names, Name{KindSealed, fingerprint(key)})
	}
	switch {
	case len(r.sealed) == 0:
		return Ring{}, errors.New("there is no private key in it: write it with " +
			"kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml")
	case len(r.sealed) > maxSealed:
		return Ring{}, fmt.Errorf("there are %d private keys in it, above the limit of %d: take out what nothing is sealed for", len(r.sealed), maxSealed)
	}
	return r, nil
}

func parseRSA(block *pem.Block) (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		any, otherErr := x509.ParsePKCS8PrivateKey(block.Bytes)
		var isRSA bool
		if key, isRSA = any.(*rsa.PrivateKey); otherErr != nil || !isRSA {
			return nil, errors.New("is no private RSA key without a passphrase")
		}
	}
	if key.N.BitLen() > maxSealedRSA {
		return nil, fmt.Errorf("is a key of %d bits, above the limit of %d", key.N.BitLen(), maxSealedRSA)
	}
	return key, nil
}

// fingerprint is the public name of an RSA key.
func fingerprint(key *rsa.PrivateKey) string {
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "an RSA key"
	}
	sum := sha256.Sum256(public)
	return "SHA256:" + hex.EncodeToString(sum[:])
}

// keySecret is a Secret with the key of a controller, or a List of them.
type keySecret struct {
	Kind  string            `yaml:"kind"`
	Data  map[string]string `yaml:"data"`
	Items []keySecret       `yaml:"items"`
}

var errNoSecrets = errors.New("is neither PEM nor YAML of the Secrets of a Sealed Secrets controller")

// fromSecrets is the PEM of all private keys in the YAML or JSON of Secrets.
func fromSecrets(content []byte) (blocks []byte, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document keySecret
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			return blocks, nil
		}
		if err != nil {
			return nil, errNoSecrets // what the library says might repeat some of it
		}
		for _, s := range append(document.Items, document) {
			key, err := base64.StdEncoding.DecodeString(s.Data["tls.key"])
			if err != nil {
				return nil, errNoSecrets
			}
			blocks = append(append(blocks, key...), '\n')
		}
	}
}
