package cli

import (
	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/secret"
)

// KeyFiles name the files with private keys that open what is encrypted.
type KeyFiles struct {
	Age    []string // age identities
	PGP    []string // OpenPGP private keys
	Sealed []string // keys of a Sealed Secrets controller
}

// Files are the same for who reads them.
func (k KeyFiles) Files() secret.Files { return secret.Files{Age: k.Age, PGP: k.PGP, Sealed: k.Sealed} }

// None says whether no file is named.
func (k KeyFiles) None() bool { return len(k.Age)+len(k.PGP)+len(k.Sealed) == 0 }

// Flags adds what names the files.
func (k *KeyFiles) Flags(f *pflag.FlagSet) {
	k.SOPSFlags(f)
	f.StringArrayVar(&k.Sealed, "sealed-secrets-key-file", nil, "file with the private keys of a Sealed Secrets controller, which open SealedSecrets; may be given again")
}

// SOPSFlags adds what names those that open SOPS files.
func (k *KeyFiles) SOPSFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&k.Age, "age-key-file", nil, "file with age identities, which open SOPS files: docs/secrets.md; may be given again")
	f.StringArrayVar(&k.PGP, "pgp-key-file", nil, "file with OpenPGP private keys, which open SOPS files; may be given again")
}
