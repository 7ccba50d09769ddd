package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"plumb.dev/plumb/internal/private"
)

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func written(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// Keys come and go without a restart.
func TestReadsKeysAgain(t *testing.T) {
	t.Parallel()
	one, two := identity(t), identity(t)
	path := written(t, "# made today\n"+one.String()+"\n", 0o600)
	keys, err := Load(Files{Age: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Ring()
	if err != nil || !ring.Has(one.Recipient().String()) || ring.Has(two.Recipient().String()) {
		t.Fatal(ring.Names(), err)
	}
	if err := os.WriteFile(path, []byte(one.String()+"\n\n"+two.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if ring, err = keys.Ring(); err != nil || len(ring.Names()) != 2 || !ring.Has(two.Recipient().String()) {
		t.Error(ring.Names(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err = keys.Ring(); err == nil {
		t.Error("others can read it now")
	}
}

// No error repeats what a file holds.
func TestRefusesFiles(t *testing.T) {
	t.Parallel()
	secret := identity(t).String()
	pgp, err := os.ReadFile(filepath.Join("sops", "testdata", "keys", "pgp.asc"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content string
		mode    os.FileMode
		pgp     bool
		want    string
	}{
		"for the group":  {secret, 0o650, false, "has mode 0650, so others can read or change it: chmod 600 "},
		"for all":        {secret, 0o604, false, "has mode 0604"},
		"empty":          {"# none\n", 0o600, false, "there is no age identity in it"},
		"cut off":        {"\n" + secret[:30], 0o600, false, "line 2 is no age identity"},
		"a plugin's":     {"AGE-PLUGIN-YUBIKEY-1CANARY\n", 0o600, false, "line 1 is no age identity"},
		"large":          {strings.Repeat("#", private.MaxBytes+1), 0o600, false, "is larger than"},
		"no OpenPGP key": {"CANARY", 0o600, true, "there is no armoured OpenPGP private key in it"},
		"age for PGP":    {secret, 0o600, true, "there are age identities in it, which --age-key-file takes"},
		"PGP for age":    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nCANARY\n", 0o600, false, "line 1 is no age identity: it is an OpenPGP key, which --pgp-key-file takes"},
		"SSH":            {"-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n", 0o600, false, "a key in PEM, such as one of SSH"},
		"a locked one":   {"-----BEGIN AGE ENCRYPTED FILE-----\nCANARY\n", 0o600, false, "it is encrypted: decrypt it for the daemon with age -d"},
		"a public key":   {"age1CANARY\n", 0o600, false, "it is a public key"},
		"half of one":    {string(pgp[:300]), 0o600, true, "private key block 1 can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, test.content, test.mode)
			files := Files{Age: []string{path}}
			if test.pgp {
				files = Files{PGP: []string{path}}
			}
			_, err := Load(files)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret[20:30]) || strings.Contains(err.Error(), "CANARY") {
				t.Error(err)
			}
		})
	}
	if _, err := Load(Files{Age: []string{t.TempDir()}}); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Error(err)
	}
	if _, err := Load(Files{Age: []string{"/none"}}); err == nil {
		t.Error("there is no such file")
	}
}

// No keys are keys of which there are none.
func TestNone(t *testing.T) {
	t.Parallel()
	var none *Keys
	ring, err := none.Ring()
	if err != nil || len(ring.Names()) > 0 {
		t.Error(ring.Names(), err)
	}
	if _, err := ring.OpenAge("x"); err == nil {
		t.Error("opened")
	}
	if _, err := ring.OpenPGP("x"); err == nil {
		t.Error("opened")
	}
}
