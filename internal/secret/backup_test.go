package secret

import (
	"errors"
	"strings"
	"testing"
)

func TestBackups(t *testing.T) {
	t.Parallel()
	mine, other := identity(t), identity(t)
	ring, err := parseAge([]byte(mine.String()))
	if err != nil {
		t.Fatal(err)
	}
	to, err := Recipients([]string{mine.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	others, err := Recipients([]string{other.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	lock := func(content []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	const canary = "canary-of-a-backup"
	byKey, byOther, byWord := lock(Lock([]byte(canary), to)), lock(Lock([]byte(canary), others)), lock(LockWith([]byte(canary), "correct horse"))
	for name, test := range map[string]struct {
		backup     string
		passphrase string
		says       string
	}{
		"plain":             {canary, "", ""},
		"for a key":         {byKey, "", ""},
		"by a passphrase":   {"\n" + byWord, "correct horse", ""},
		"no passphrase":     {byWord, "", ErrPassphrase.Error()},
		"wrong passphrase":  {byWord, "wrong horse", "it can't be decrypted"},
		"for another key":   {byOther, "", "it can't be decrypted"},
		"cut off":           {byKey[:len(byKey)/2], "", "it can't be decrypted"},
		"no such thing yet": {"age-encryption.org/v9\n", "", "it can't be decrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, err := Unlock([]byte(test.backup), ring, test.passphrase)
			if test.says == "" {
				if err != nil || string(plain) != canary {
					t.Errorf("%q, %v", plain, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
	if _, err := Unlock([]byte(byWord), Ring{}, ""); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	for _, name := range []string{"", "age1", "0123456789ABCDEF", "age1 x", mine.String()} {
		if _, err := Recipients([]string{name}); err == nil {
			t.Errorf("%q is taken for a recipient", name)
		}
	}
}
