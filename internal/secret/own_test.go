package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// recipients are keys by their public names, in their order.
func recipients(keys []OwnKey) (names []string) {
	for _, k := range keys {
		names = append(names, k.Recipient)
	}
	return names
}

func listed(t *testing.T, o *Own) []OwnKey {
	t.Helper()
	keys, err := o.List()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestOwnKeys: a first key, a newer one, a backup of both, and a new data folder
// to which they come back.
func TestOwnKeys(t *testing.T) {
	t.Parallel()
	o := OwnIn(filepath.Join(t.TempDir(), "data"))
	if keys := listed(t, o); len(keys) > 0 {
		t.Fatal(keys)
	}
	first, err := o.Create(noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Create(noon); !errors.Is(err, ErrHasKeys) {
		t.Error(err)
	}
	second, err := o.Rotate(noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{first.Recipient, second.Recipient}
	if diff := cmp.Diff(want, recipients(listed(t, o))); diff != "" {
		t.Error(diff)
	}
	backup := Backup(listed(t, o))
	if err := o.Exported(listed(t, o)[1:], noon.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if keys := listed(t, o); !keys[0].Exported.IsZero() || !keys[1].Exported.Equal(noon.Add(2*time.Hour)) || !keys[0].Created.Equal(noon) {
		t.Error(keys[0].Created, keys[0].Exported, keys[1].Exported)
	}

	again := OwnIn(t.TempDir())
	fresh, err := again.Create(noon.Add(24 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, added := range []int{2, 0} {
		if keys, err := again.Import(backup, noon.Add(25*time.Hour)); err != nil || len(keys) != added {
			t.Errorf("%d were added, %v; want %d", len(keys), err, added)
		}
	}
	keys := listed(t, again)
	if diff := cmp.Diff(append(want, fresh.Recipient), recipients(keys)); diff != "" {
		t.Error(diff)
	}
	if keys[0].Exported.IsZero() || !keys[2].Exported.IsZero() {
		t.Error("what comes from a backup has one, and what is new has none")
	}
}

// TestOwnKeysOpen: a daemon opens with all keys of its folder, those to come
// included, and the file is one that age reads.
func TestOwnKeysOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := Load(Files{Own: dir})
	if err != nil {
		t.Fatal(err)
	}
	if ring, err := keys.Ring(); err != nil || len(ring.Names()) > 0 {
		t.Fatal(ring.Names(), err)
	}
	o := OwnIn(dir)
	if _, err := o.Create(noon); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Rotate(noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Ring()
	if err != nil {
		t.Fatal(err)
	}
	own, err := keys.Own()
	if err != nil || len(own) != 2 {
		t.Fatal(own, err)
	}
	if diff := cmp.Diff(recipients(own), ring.Names()); diff != "" {
		t.Error(diff)
	}
	file, err := os.Open(filepath.Join(dir, OwnFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if identities, err := age.ParseIdentities(file); err != nil || len(identities) != 2 {
		t.Error(identities, err)
	}
}

// TestOwnKeysAreNotTold: printing a key in whichever way shows its public half.
func TestOwnKeysAreNotTold(t *testing.T) {
	t.Parallel()
	key, err := OwnIn(t.TempDir()).Create(noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, []any{key, &key, []OwnKey{key}}); strings.Contains(text, key.identity) {
			t.Errorf("%s tells it", format)
		}
	}
}

// TestOwnKeysSideBySide: whoever changes the file at the same time, none of
// what they made is lost.
func TestOwnKeysSideBySide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := OwnIn(dir).Rotate(noon); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if keys := listed(t, OwnIn(dir)); len(keys) != 8 {
		t.Errorf("%d keys are left of 8", len(keys))
	}
}

func TestBadBackups(t *testing.T) {
	t.Parallel()
	o := OwnIn(t.TempDir())
	for content, says := range map[string]string{"": "no age key", "# none\n": "no age key", "\nAGE-SECRET-KEY-1CANARY\n": "line 2 is no age identity"} {
		if _, err := o.Import([]byte(content), noon); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: %v; want %q", content, err, says)
		}
	}
	if keys := listed(t, o); len(keys) > 0 {
		t.Error(keys)
	}
}

// FuzzOwn: whatever a backup holds, what is read of it can be written and read
// again.
func FuzzOwn(f *testing.F) {
	key, err := newKey(noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(Backup([]OwnKey{key, key}))
	f.Add([]byte("# created: never\n# exported: 2026-11-20T12:00:00+01:00\n" + key.identity + "\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := parseOwn(content)
		if err != nil {
			return
		}
		again, err := parseOwn(Backup(keys))
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%v: %d of %d keys", err, len(again), len(keys))
		}
	})
}
