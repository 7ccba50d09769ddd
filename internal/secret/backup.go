package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"plumb.dev/plumb/internal/private"
)

// Recipients are those that age recipients (age1…) name.
func Recipients(names []string) (list []age.Recipient, err error) {
	for _, name := range names {
		one, err := age.ParseRecipients(strings.NewReader(name))
		if err != nil || len(one) != 1 {
			return nil, fmt.Errorf("%.70q is no age recipient: %s", public(name), notRecipient(name))
		}
		list = append(list, one[0])
	}
	return list, nil
}

// notRecipient says what is wrong with the name of a recipient.
func notRecipient(name string) string {
	switch {
	case public(name) != name:
		return "it is a private key; its public half begins with age1 (age-keygen -y prints it)"
	case strings.HasPrefix(name, "age1"):
		return "it is misspelt, cut short, or one of a plugin, which can't be used"
	}
	return "it has to begin with age1"
}

// Lock encrypts for recipients, as armoured text.
func Lock(content []byte, to []age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	armoured := armor.NewWriter(&out)
	w, err := age.Encrypt(armoured, to...)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = errors.Join(w.Close(), armoured.Close())
	}
	return out.Bytes(), err
}

// LockWith encrypts by a passphrase, as armoured text.
func LockWith(content []byte, passphrase string) ([]byte, error) {
	by, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	return Lock(content, []age.Recipient{by})
}

// ErrPassphrase says that a backup needs a passphrase.
var ErrPassphrase = errors.New("it is encrypted by a passphrase")

// maxWork is how much work a passphrase may ask for: 2 to the power of this,
// some seconds and a gigabyte at most.
const maxWork = 20

// Unlock is the content of a backup, encrypted in whichever way or not at all.
// Where a passphrase is needed and none is given, it returns ErrPassphrase.
func Unlock(backup []byte, ring Ring, passphrase string) ([]byte, error) {
	var from io.Reader = bytes.NewReader(backup)
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(backup), []byte(armor.Header)):
		from = armor.NewReader(from)
	case !bytes.HasPrefix(backup, []byte("age-encryption.org/")):
		return backup, nil
	}
	by := ring.age
	if passphrase != "" {
		typed, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return nil, err
		}
		typed.SetMaxWorkFactor(maxWork)
		by = []age.Identity{typed}
	}
	if len(by) == 0 {
		by = []age.Identity{noKey{}}
	}
	plain, err := age.Decrypt(from, by...)
	if err != nil {
		none, wrong := errors.AsType[*age.NoIdentityMatchError](err)
		switch {
		case wrong && passphrase == "" && scrypt(none):
			return nil, ErrPassphrase
		case wrong && passphrase == "" && len(ring.age) == 0:
			return nil, errors.New("it is encrypted for age keys: give the file with one of them (--age-key-file)")
		}
		return nil, errors.New("it can't be decrypted: the key or the passphrase is another one, or it is damaged")
	}
	content, err := io.ReadAll(io.LimitReader(plain, private.MaxBytes+1))
	if err != nil || len(content) > private.MaxBytes {
		return nil, fmt.Errorf("it is damaged, or larger than %d bytes", private.MaxBytes)
	}
	return content, nil
}

// scrypt says whether a passphrase would have opened it.
func scrypt(none *age.NoIdentityMatchError) bool {
	return len(none.StanzaTypes) == 1 && none.StanzaTypes[0] == "scrypt"
}

// noKey opens nothing.
type noKey struct{}

func (noKey) Unwrap([]*age.Stanza) ([]byte, error) { return nil, age.ErrIncorrectIdentity }

// public is a name for a message. Who mistook a private key for its public half
// isn't shown it.
func public(name string) string {
	if strings.HasPrefix(strings.ToUpper(name), "AGE-SECRET-KEY-") {
		return "AGE-SECRET-KEY-…"
	}
	return name
}
