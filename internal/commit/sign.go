package commit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"

	"plumb.dev/plumb/internal/private"
)

// Signer signs commits.
type Signer interface {
	// Sign returns an armored signature over a commit that has none.
	Sign(commit []byte, at time.Time) (string, error)
}

// KeyFile signs with a private key without a passphrase that is kept in a file:
// one of OpenSSH's (PEM), or an armored one of OpenPGP. It is read each time, so
// that another takes its place without a restart, and never leaves this process.
type KeyFile string

// Check says whether the file holds a key that can sign.
func (k KeyFile) Check() error {
	_, err := k.Sign(nil, time.Now())
	return err
}

const pgpHeader = "-----BEGIN PGP PRIVATE KEY BLOCK-----"

// Sign implements Signer.
func (k KeyFile) Sign(commit []byte, at time.Time) (string, error) {
	key, err := private.Read(string(k))
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	sign := signSSH
	if bytes.Contains(key, []byte(pgpHeader)) {
		sign = signPGP
	}
	signature, err := sign(key, commit, at)
	if err != nil {
		return "", fmt.Errorf("signing key %s: %w", string(k), err)
	}
	return signature, nil
}

var errPassphrase = errors.New("it has a passphrase: give a key without one")

// signSSH makes a signature as ssh-keygen -Y sign -n git does; its form is that
// of OpenSSH's PROTOCOL.sshsig. No error tells of the key.
func signSSH(key, commit []byte, _ time.Time) (string, error) {
	const namespace, hash = "git", "sha512"
	signer, err := ssh.ParsePrivateKey(key)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return "", errPassphrase
	}
	if err != nil {
		return "", errors.New("it is neither a private key of OpenSSH (PEM) nor an armored one of OpenPGP")
	}
	digest := sha512.Sum512(commit)
	signed := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Digest string }{namespace, "", hash, string(digest[:])})...)
	signature, err := signBytes(signer, signed)
	if err != nil {
		return "", errors.New("it can't be used to sign")
	}
	armored := pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version                                         uint32
		PublicKey, Namespace, Reserved, Hash, Signature string
	}{1, string(signer.PublicKey().Marshal()), namespace, "", hash, string(ssh.Marshal(signature))})...)})
	return string(armored), nil
}

// signBytes signs as today's verifiers want it: those of RSA don't take SHA-1.
func signBytes(signer ssh.Signer, data []byte) (*ssh.Signature, error) {
	if s, ok := signer.(ssh.AlgorithmSigner); ok && signer.PublicKey().Type() == ssh.KeyAlgoRSA {
		return s.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	}
	return signer.Sign(rand.Reader, data)
}

// signPGP makes a signature as gpg --detach-sign --armor does.
func signPGP(key, commit []byte, at time.Time) (string, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	if err != nil || len(ring) != 1 {
		return "", errors.New("it must be one armored private key of OpenPGP (gpg --export-secret-keys --armor KEY)")
	}
	usable, ok := ring[0].SigningKey(at)
	switch {
	case !ok || usable.PrivateKey == nil:
		return "", errors.New("it can't sign: it has expired, was revoked, isn't for signing, or lacks its private half")
	case usable.PrivateKey.Encrypted:
		return "", errPassphrase
	}
	var b strings.Builder
	if err := openpgp.ArmoredDetachSign(&b, ring[0], bytes.NewReader(commit), &packet.Config{Time: func() time.Time { return at }}); err != nil {
		return "", errors.New("it can't be used to sign")
	}
	return b.String(), nil
}
