package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"plumb.dev/plumb/internal/private"
)

// OwnFile is the file of the data folder that holds the daemon's own keys. It
// is one of age identities, as age and SOPS read it, with what else is known of
// each in comments before it.
const OwnFile = "age-keys"

// Own are the keys that a daemon made for itself, in its data folder. All of
// them open; new secrets are sealed for the newest.
type Own struct{ dir string }

// OwnIn are the keys in a data folder, which may have none.
func OwnIn(dir string) *Own { return &Own{dir: dir} }

// OwnKey is one of a daemon's own keys.
type OwnKey struct {
	Recipient string // its public name
	Created   time.Time
	Exported  time.Time // when a backup was last made of it; zero is never

	identity string // the private key
}

// String tells of no private key.
func (k OwnKey) String() string { return k.Recipient }

// GoString tells of no private key.
func (k OwnKey) GoString() string { return k.Recipient }

// ErrHasKeys says that there is a key already where the first was to be made.
var ErrHasKeys = errors.New("there is a key already")

// List are all keys, the newest last.
func (o *Own) List() ([]OwnKey, error) {
	content, err := private.Read(o.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys, err := parseOwn(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.path(), err)
	}
	return keys, nil
}

// Create makes the first key, or returns ErrHasKeys.
func (o *Own) Create(now time.Time) (OwnKey, error) {
	var made OwnKey
	err := o.change(func(keys []OwnKey) (_ []OwnKey, err error) {
		if len(keys) > 0 {
			return nil, ErrHasKeys
		}
		made, err = newKey(now)
		return []OwnKey{made}, err
	})
	return made, err
}

// Rotate makes a key for what is sealed from now on. Those before it still open.
func (o *Own) Rotate(now time.Time) (OwnKey, error) {
	var made OwnKey
	err := o.change(func(keys []OwnKey) (_ []OwnKey, err error) {
		made, err = newKey(now)
		return append(keys, made), err
	})
	return made, err
}

// Exported notes that a backup was made of some keys.
func (o *Own) Exported(of []OwnKey, now time.Time) error {
	return o.change(func(keys []OwnKey) ([]OwnKey, error) {
		for i, k := range keys {
			if slices.ContainsFunc(of, func(e OwnKey) bool { return e.Recipient == k.Recipient }) {
				keys[i].Exported = now
			}
		}
		return keys, nil
	})
}

// Import adds the keys of a backup that aren't there yet, and returns them. They
// count as exported: there is a backup. None becomes the newest unless it is by
// its age.
func (o *Own) Import(backup []byte, now time.Time) (added []OwnKey, err error) {
	from, err := parseOwn(backup)
	if err != nil {
		return nil, err
	}
	if len(from) == 0 {
		return nil, errors.New("there is no age key in it")
	}
	err = o.change(func(keys []OwnKey) ([]OwnKey, error) {
		for _, k := range from {
			if slices.ContainsFunc(keys, func(have OwnKey) bool { return have.Recipient == k.Recipient }) {
				continue
			}
			if k.Exported.IsZero() {
				k.Exported = now
			}
			keys, added = append(keys, k), append(added, k)
		}
		return keys, nil
	})
	return added, err
}

// Backup is the content of a file with some keys.
func Backup(keys []OwnKey) []byte {
	var out bytes.Buffer
	out.WriteString("# Private age keys of a plumb daemon, the newest last. Whoever reads them reads what is sealed for them.\n")
	for _, k := range keys {
		out.WriteByte('\n')
		note := func(what string, at time.Time) {
			if !at.IsZero() {
				fmt.Fprintf(&out, "# %s: %s\n", what, at.UTC().Format(time.RFC3339))
			}
		}
		note("created", k.Created)
		note("exported", k.Exported)
		fmt.Fprintf(&out, "# public key: %s\n%s\n", k.Recipient, k.identity)
	}
	return out.Bytes()
}

func newKey(now time.Time) (OwnKey, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return OwnKey{}, err
	}
	return OwnKey{Recipient: identity.Recipient().String(), Created: now.UTC().Truncate(time.Second), identity: identity.String()}, nil
}

// parseOwn reads what Backup writes, and any other file of age identities.
func parseOwn(content []byte) (keys []OwnKey, err error) {
	var next OwnKey
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			what, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), ": ")
			if at, err := time.Parse(time.RFC3339, value); err == nil && what == "created" {
				next.Created = at.UTC()
			} else if err == nil && what == "exported" {
				next.Exported = at.UTC()
			}
		default:
			identity, err := age.ParseIdentities(strings.NewReader(line))
			if err != nil || len(identity) != 1 {
				return nil, notAge(n, line)
			}
			next.Recipient, next.identity = recipientOf(identity[0]), line
			keys, next = append(keys, next), OwnKey{}
		}
	}
	slices.SortStableFunc(keys, func(a, b OwnKey) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

func (o *Own) path() string { return filepath.Join(o.dir, OwnFile) }

// change reads the keys, lets them be changed, and writes them if they were.
// The folder is locked meanwhile: the daemon and commands do this side by side.
func (o *Own) change(do func([]OwnKey) ([]OwnKey, error)) error {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	folder, err := os.Open(o.dir)
	if err != nil {
		return err
	}
	defer folder.Close() // which unlocks it
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", o.dir, err)
	}
	before, err := o.List()
	if err != nil {
		return err
	}
	after, err := do(slices.Clone(before))
	if err != nil || slices.Equal(before, after) {
		return err
	}
	slices.SortStableFunc(after, func(a, b OwnKey) int { return a.Created.Compare(b.Created) })
	return private.Write(o.path(), Backup(after))
}
