package secret

import (
	"bytes"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Ring is the private keys at one time. The zero Ring has none. It is a value
// that is never changed, and safe for concurrent use.
type Ring struct {
	age    []age.Identity
	pgp    openpgp.EntityList
	sealed []*rsa.PrivateKey
	names  []Name

	service *Service // nil is none
}

// Name is what a key is called by those who know only its public half.
type Name struct {
	Kind Kind
	Name string // an age recipient, or a fingerprint
}

// Kind is what a key opens.
type Kind string

// The kinds of keys.
const (
	KindAge    Kind = "age"
	KindPGP    Kind = "pgp"
	KindSealed Kind = "sealed-secrets"
)

// All are the public names of all keys.
func (r Ring) All() []Name { return slices.Clone(r.names) }

// Names are the public names of the keys that open SOPS files: age recipients,
// and the fingerprints of OpenPGP keys.
func (r Ring) Names() (names []string) {
	for _, n := range r.names {
		if n.Kind != KindSealed {
			names = append(names, n.Name)
		}
	}
	return names
}

// Has says whether there is a key of that public name.
func (r Ring) Has(name string) bool {
	return slices.ContainsFunc(r.names, func(have Name) bool { return strings.EqualFold(have.Name, name) })
}

// and is both rings as one.
func (r Ring) and(other Ring) Ring {
	return Ring{
		age: slices.Concat(r.age, other.age), pgp: slices.Concat(r.pgp, other.pgp), sealed: slices.Concat(r.sealed, other.sealed),
		names: slices.Concat(r.names, other.names),
	}
}

// maxMessage bounds what is taken out of one encrypted message: it is a key, or
// part of one.
const maxMessage = 4 << 10

// errOpen says that none of the keys opens a message. Why, nobody is told: that
// is about the inside of the message.
var errOpen = errors.New("none of the keys opens it")

// OpenAge decrypts an armoured message that is encrypted for an age recipient.
func (r Ring) OpenAge(message string) ([]byte, error) {
	if len(r.age) == 0 {
		return nil, errOpen
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(message)), r.age...)
	if err != nil {
		return nil, errOpen
	}
	return bounded(plain)
}

// OpenCloud has a message decrypted by who keeps the key, if the ring has a
// service that may be asked about it.
func (r Ring) OpenCloud(key CloudKey, message []byte) ([]byte, error) {
	return r.service.Decrypt(key, message)
}

// Unasked says of an error that it isn't worth telling: the ring has no such key.
func Unasked(err error) bool { return errors.Is(err, errOpen) }

// OpenPGP decrypts an armoured message that is encrypted for an OpenPGP key.
func (r Ring) OpenPGP(message string) ([]byte, error) {
	block, err := pgparmor.Decode(strings.NewReader(message))
	if err != nil || len(r.pgp) == 0 {
		return nil, errOpen
	}
	plain, err := openpgp.ReadMessage(block.Body, r.pgp, nil, nil)
	if err != nil {
		return nil, errOpen
	}
	return bounded(plain.UnverifiedBody)
}

func bounded(from io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxMessage+1))
	if err != nil || len(b) > maxMessage {
		return nil, errOpen
	}
	return b, nil
}

// parseAge reads age identities, one in a line. Others than X25519 and its
// successor would need a program that is started, or a passphrase.
func parseAge(content []byte) (Ring, error) {
	var r Ring
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		identity, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil || len(identity) != 1 {
			return Ring{}, notAge(n, line)
		}
		r.age = append(r.age, identity[0])
		r.names = append(r.names, Name{KindAge, recipientOf(identity[0])})
	}
	if len(r.age) == 0 {
		return Ring{}, errors.New("there is no age identity in it: make one with age-keygen")
	}
	return r, nil
}

// notAge says what a line is that is no age identity, without showing it.
func notAge(number int, line string) error {
	is := "it has to begin with AGE-SECRET-KEY-1, as age-keygen writes it"
	switch {
	case strings.HasPrefix(line, "-----BEGIN PGP "):
		is = "it is an OpenPGP key, which --pgp-key-file takes"
	case strings.HasPrefix(line, "-----BEGIN AGE ENCRYPTED "):
		is = "it is encrypted: decrypt it for the daemon with age -d"
	case strings.HasPrefix(line, "-----BEGIN "):
		is = "it is a key in PEM, such as one of SSH, which isn't used for this: make one with age-keygen"
	case strings.HasPrefix(line, "age1"):
		is = "it is a public key, and the private one belongs here"
	}
	return fmt.Errorf("line %d is no age identity: %s", number, is)
}

// recipientOf is the public name of an age identity.
func recipientOf(identity age.Identity) string {
	switch i := identity.(type) {
	case *age.X25519Identity:
		return i.Recipient().String()
	case *age.HybridIdentity:
		return i.Recipient().String()
	}
	return "an age key"
}

// parsePGP reads armoured OpenPGP private keys, one after another.
func parsePGP(content []byte) (Ring, error) {
	var r Ring
	const begin = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
	for n, block := range strings.Split(string(content), begin)[1:] {
		keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader([]byte(begin + block)))
		if err != nil {
			return Ring{}, fmt.Errorf("private key block %d can't be read: export it again with gpg --armor --export-secret-keys", n+1)
		}
		for _, key := range keys {
			name := strings.ToUpper(hex.EncodeToString(key.PrimaryKey.Fingerprint))
			if locked(key) {
				return Ring{}, fmt.Errorf("the key %s has a passphrase, which nobody could type: take it off in a copy for the daemon", name)
			}
			r.pgp = append(r.pgp, key)
			r.names = append(r.names, Name{KindPGP, name})
		}
	}
	if len(r.pgp) == 0 && bytes.Contains(content, []byte("AGE-SECRET-KEY-1")) {
		return Ring{}, errors.New("there are age identities in it, which --age-key-file takes")
	}
	if len(r.pgp) == 0 {
		return Ring{}, errors.New("there is no armoured OpenPGP private key in it: write it with gpg --armor --export-secret-keys")
	}
	return r, nil
}

// locked says whether a key needs a passphrase for decrypting.
func locked(key *openpgp.Entity) bool {
	for _, sub := range key.Subkeys {
		if sub.PrivateKey != nil && sub.PrivateKey.Encrypted {
			return true
		}
	}
	return key.PrivateKey != nil && key.PrivateKey.Encrypted
}
