package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"plumb.dev/plumb/internal/private"
)

// Files name the files that hold private keys. Each may hold several.
type Files struct {
	Age    []string // age identities, one in a line
	PGP    []string // armoured OpenPGP private keys
	Sealed []string // private keys of a Sealed Secrets controller: PEM, or its Secrets as YAML
	// Service is the address of a key service of SOPS, and ServiceKeys which keys
	// it may be asked about: see NewService. Empty is none.
	Service     string
	ServiceKeys []string
	// Own is the data folder with the daemon's own keys; they may come later.
	// Empty is none.
	Own string
}

// Keys are the private keys of some files. They are read again when a file
// changes. Keys may be used concurrently; nil are none.
type Keys struct {
	files   []file
	own     *Own
	service *Service
}

// file is one file of keys.
type file struct {
	what     string
	optional bool
	content  *private.File[Ring]
}

// Load reads the files.
func Load(named Files) (*Keys, error) {
	k := &Keys{}
	add := func(paths []string, what string, parse func([]byte) (Ring, error)) error {
		for _, path := range paths {
			content, err := private.Open(path, parse)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			k.files = append(k.files, file{what: what, content: content})
		}
		return nil
	}
	err := errors.Join(
		add(named.Age, "age key file", parseAge),
		add(named.PGP, "OpenPGP key file", parsePGP),
		add(named.Sealed, "Sealed Secrets key file", parseSealed),
	)
	if err == nil && named.Service != "" {
		k.service, err = NewService(named.Service, named.ServiceKeys)
	}
	if err == nil && named.Own != "" {
		k.own = OwnIn(named.Own)
		err = add([]string{filepath.Join(named.Own, OwnFile)}, "the daemon's own keys", parseAge)
		k.files[len(k.files)-1].optional = true
	}
	if err == nil {
		_, err = k.Ring()
	}
	return k, err
}

// Ring is all keys as they are now.
func (k *Keys) Ring() (Ring, error) {
	var all Ring
	if k == nil {
		return all, nil
	}
	for _, f := range k.files {
		ring, err := f.content.Current()
		if f.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Ring{}, about(f.what, f.content.Path(), err)
		}
		all = all.and(ring)
	}
	all.service = k.service
	return all, nil
}

// about says in which file something is wrong, where the error doesn't.
func about(what, path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) || strings.HasPrefix(err.Error(), path) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s %s: %w", what, path, err)
}

// Own are the daemon's own keys, the newest last; nil where it has no place for
// any.
func (k *Keys) Own() ([]OwnKey, error) {
	if k == nil || k.own == nil {
		return nil, nil
	}
	return k.own.List()
}
