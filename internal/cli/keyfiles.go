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

	Service     string   // address of a key service of SOPS
	ServiceKeys []string // which keys it may be asked about
}

// Files are the same for who reads them.
func (k KeyFiles) Files() secret.Files {
	return secret.Files{Age: k.Age, PGP: k.PGP, Sealed: k.Sealed, Service: k.Service, ServiceKeys: k.ServiceKeys}
}

// None says whether no file is named.
func (k KeyFiles) None() bool { return len(k.Age)+len(k.PGP)+len(k.Sealed)+len(k.Service) == 0 }

// Flags adds what names the files.
func (k *KeyFiles) Flags(f *pflag.FlagSet) {
	k.SOPSFlags(f)
	f.StringArrayVar(&k.Sealed, "sealed-secrets-key-file", nil, "file with the private keys of a Sealed Secrets controller, which open SealedSecrets; may be given again")
}

// SOPSFlags adds what names those that open SOPS files.
func (k *KeyFiles) SOPSFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&k.Age, "age-key-file", nil, "file with age identities, which open SOPS files: docs/secrets.md; may be given again")
	f.StringArrayVar(&k.PGP, "pgp-key-file", nil, "file with OpenPGP private keys, which open SOPS files; may be given again")
	f.StringVar(&k.Service, "sops-keyservice", "", "address of a key service of SOPS on this machine, which opens what is for keys of clouds: unix:///PATH or tcp://127.0.0.1:PORT")
	f.StringArrayVar(&k.ServiceKeys, "sops-keyservice-key", nil, "key that the key service may be asked about (an ARN, a resource's id, a URL); with * at the end: all that begin so; may be given again")
}
