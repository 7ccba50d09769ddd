package generate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"slices"

	"filippo.io/age"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/ssh"
)

// Placeholder stands for a value that is yet to be made, where the server is
// only asked what it would do.
const Placeholder = "generated when it is applied"

// Filled is what a Secret holds of generated values.
type Filled struct {
	Data map[string]string // base64, as in a Secret's data
	Made []string          // the keys that were made just now, sorted
}

// Fill keeps the values that are there, base64 by key, and makes those that are
// missing; with anew, it makes all. What belongs together, such as the halves of
// a pair, is made together.
func (s Spec) Fill(random io.Reader, have map[string]string, anew bool) (Filled, error) {
	f := Filled{Data: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		keys := s[key].keys(key)
		missing := slices.ContainsFunc(keys, func(name string) bool { return have[name] == "" })
		if !missing && !anew {
			for _, name := range keys {
				f.Data[name] = have[name]
			}
			continue
		}
		values, err := s[key].generate(random)
		if err != nil {
			return Filled{}, fmt.Errorf("generate %s: %w", key, err)
		}
		for i, name := range keys {
			f.Data[name] = base64.StdEncoding.EncodeToString([]byte(values[i]))
			f.Made = append(f.Made, name)
		}
	}
	slices.Sort(f.Made)
	return f, nil
}

// Try is Fill where nothing is kept: what would be made is a Placeholder.
func (s Spec) Try(have map[string]string, anew bool) Filled {
	f := Filled{Data: map[string]string{}}
	for key, v := range s {
		keys := v.keys(key)
		missing := slices.ContainsFunc(keys, func(name string) bool { return have[name] == "" })
		for _, name := range keys {
			if f.Data[name] = have[name]; missing || anew {
				f.Data[name] = base64.StdEncoding.EncodeToString([]byte(Placeholder))
				f.Made = append(f.Made, name)
			}
		}
	}
	slices.Sort(f.Made)
	return f
}

// generate makes a value, in the order of its keys.
func (v Value) generate(random io.Reader) ([]string, error) {
	switch {
	case v.Pair != "":
		private, public, err := pairOf(v.Pair, v.Format, random)
		return []string{private, public}, err
	case v.BasicAuth != "":
		password, err := text(random, v.Length, alphabets[v.Alphabet])
		if err != nil {
			return nil, err
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
		return []string{v.BasicAuth + ":" + string(hash) + "\n", password}, err
	case v.Bytes != 0:
		raw, err := some(random, v.Bytes)
		return []string{base64.StdEncoding.EncodeToString(raw)}, err
	case v.UUID:
		id, err := uuid(random)
		return []string{id}, err
	default:
		one, err := text(random, v.Length, alphabets[v.Alphabet])
		return []string{one}, err
	}
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// alphabets are what text is made of. The symbols need no quotes in a shell, in
// YAML and in a URL's user info.
var alphabets = map[string]string{
	"alphanumeric": letters + digits,
	"letters":      letters,
	"digits":       digits,
	"hex":          digits + "abcdef",
	"base64url":    letters + digits + "-_",
	"symbols":      letters + digits + "-_.~+=,",
}

// text has each letter of an alphabet as often as any other: what would favour
// some is thrown away.
func text(random io.Reader, length int, alphabet string) (string, error) {
	fair := 256 - 256%len(alphabet)
	out := make([]byte, 0, length)
	for len(out) < length {
		raw, err := some(random, length)
		if err != nil {
			return "", err
		}
		for _, b := range raw {
			if int(b) < fair && len(out) < length {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out), nil
}

func some(random io.Reader, n int) ([]byte, error) {
	raw := make([]byte, n)
	_, err := io.ReadFull(random, raw)
	return raw, err
}

// uuid is a random one, of version 4 (RFC 9562).
func uuid(random io.Reader) (string, error) {
	raw, err := some(random, 16)
	if err != nil {
		return "", err
	}
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	h := hex.EncodeToString(raw)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

// pairs are the kinds of key pairs.
var pairs = []string{"rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256", "ecdsa-p384", "ed25519", "age"}

// pairOf makes the two halves of a key pair.
func pairOf(kind, format string, random io.Reader) (private, public string, err error) {
	switch kind {
	case "rsa-2048":
		return rsaPair(2048, format, random)
	case "rsa-3072":
		return rsaPair(3072, format, random)
	case "rsa-4096":
		return rsaPair(4096, format, random)
	case "ecdsa-p256":
		return ecdsaPair(elliptic.P256(), format, random)
	case "ecdsa-p384":
		return ecdsaPair(elliptic.P384(), format, random)
	case "ed25519":
		open, key, err := ed25519.GenerateKey(random)
		return written(format, key, open, err)
	default:
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			return "", "", err
		}
		return identity.String() + "\n", identity.Recipient().String() + "\n", nil
	}
}

func rsaPair(bits int, format string, random io.Reader) (private, public string, err error) {
	key, err := rsa.GenerateKey(random, bits)
	if err != nil {
		return "", "", err
	}
	return written(format, key, &key.PublicKey, nil)
}

func ecdsaPair(curve elliptic.Curve, format string, random io.Reader) (private, public string, err error) {
	key, err := ecdsa.GenerateKey(curve, random)
	if err != nil {
		return "", "", err
	}
	return written(format, key, &key.PublicKey, nil)
}

// written is a pair as text: PEM of PKCS #8 and PKIX, or as OpenSSH writes it.
func written(format string, private crypto.PrivateKey, public crypto.PublicKey, err error) (string, string, error) {
	if err != nil {
		return "", "", err
	}
	if format == "openssh" {
		block, err := ssh.MarshalPrivateKey(private, "")
		if err != nil {
			return "", "", err
		}
		key, err := ssh.NewPublicKey(public)
		if err != nil {
			return "", "", err
		}
		return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(key)), nil
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open})), nil
}
