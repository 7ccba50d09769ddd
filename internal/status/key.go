package status

import (
	"slices"
	"time"
)

// Key is a key that the daemon opens secrets with, by its public half.
type Key struct {
	Name     string    `json:"name" doc:"The age recipient, or the fingerprint of another key."`
	Kind     string    `json:"kind" enum:"age,pgp,sealed-secrets" doc:"What it opens: SOPS files by age or OpenPGP, or Sealed Secrets."`
	Own      bool      `json:"own" doc:"The daemon made it, and keeps it in its data folder; others come from files that it was given."`
	Newest   bool      `json:"newest,omitempty" doc:"The one that new secrets are sealed for."`
	Created  time.Time `json:"created,omitzero" doc:"When the daemon made it."`
	Exported time.Time `json:"exported,omitzero" doc:"When a backup was last made of a key of the daemon's own; left out: never."`
}

// NewestKey is the key that new secrets are sealed for.
func NewestKey(keys []Key) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Newest })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// Endangered says whether what is sealed for the key is lost with the data
// folder: there is no backup of it.
func (k Key) Endangered() bool { return k.Own && k.Exported.IsZero() }
