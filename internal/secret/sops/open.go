package sops

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/tree"
)

// MaxBytes bounds an encrypted file. What it is for, a Secret or the values of
// a chart, is smaller by far.
const MaxBytes = 4 << 20

// Opener opens encrypted files with the keys there are. The zero Opener has no
// keys, and says of each encrypted file for whom it is.
type Opener struct {
	Keys *secret.Keys
}

// Open is a file's content, decrypted if it is encrypted, and the values that
// were encrypted in it. Of any other file it is what was handed in. The files
// are those that the file is from: for a message, their .sops.yaml is looked at.
func (o Opener) Open(files tree.Reader, file string, content []byte) (plain []byte, secrets []string, err error) {
	if isINI(content) {
		return nil, nil, fmt.Errorf("%s is encrypted with SOPS as INI, which isn't read: encrypt it as YAML, JSON, dotenv or binary", file)
	}
	if len(content) > MaxBytes {
		return large(file, content)
	}
	p, encrypted := parse(file, content)
	if !encrypted {
		return content, nil, nil
	}
	m, err := parseMetadata(p.metadata)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	ring, err := o.Keys.Ring()
	if err != nil {
		return nil, nil, &Unreadable{File: file, why: "the keys can't be had: " + err.Error()}
	}
	key, err := dataKey(m, ring)
	if errors.Is(err, errNotEnough) {
		return nil, nil, unreadable(file, m, ring, hint(files, file, m, ring))
	}
	if err != nil {
		return nil, nil, &Unreadable{File: file, why: err.Error()}
	}
	if secrets, err = decrypt(p.docs, m, key); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	plain, err = p.write(p.docs)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: it can't be written out again: encrypt it anew", file) // why might tell what is in it
	}
	return plain, secrets, nil
}

// large refuses a large file if it could be an encrypted one.
func large(file string, content []byte) ([]byte, []string, error) {
	if yamlSection.Match(content) || envSection.Match(content) || strings.Contains(string(content), "ENC[AES256_GCM,") {
		return nil, nil, fmt.Errorf("%s: %w: an encrypted file may have %d bytes, and this has %d: split it", file, tree.ErrTooLarge, MaxBytes, len(content))
	}
	return content, nil, nil
}

// Unreadable is a file that can't be read with the keys there are now.
type Unreadable struct {
	File string
	why  string
}

// Error says for whom the file is and which keys there are.
func (u *Unreadable) Error() string { return u.File + ": " + u.why }

// Retry says that trying again may go well: keys come and go without a commit.
func (u *Unreadable) Retry() bool { return true }

// maxNames bounds how many keys a message names.
const maxNames = 5

func unreadable(file string, m metadata, ring secret.Ring, hint string) error {
	has := "no key: give it one with --age-key-file or --pgp-key-file"
	if names := ring.Names(); len(names) > 0 {
		has = listed(names)
	}
	return &Unreadable{File: file, why: fmt.Sprintf(
		"this file cannot be read by this cluster's key: it is encrypted for %s; this cluster has %s%s", listed(m.allRecipients()), has, hint)}
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	names = slices.Clone(names)
	if n := len(names) - maxNames; n > 0 {
		names = append(names[:maxNames], fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}
