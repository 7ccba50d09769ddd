package daemon

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/status"
)

func TestToldKeys(t *testing.T) {
	t.Parallel()
	older := secret.OwnKey{Recipient: "age1older", Created: at(1), Exported: at(3)}
	newer := secret.OwnKey{Recipient: "age1newer", Created: at(2)}
	got := toldKeys([]secret.OwnKey{older, newer}, []secret.Name{
		{Kind: secret.KindPGP, Name: "AB12"}, {Kind: secret.KindSealed, Name: "SHA256:0"}, {Kind: secret.KindAge, Name: "age1older"}, {Kind: secret.KindAge, Name: "age1newer"},
	})
	want := []status.Key{
		{Name: "age1newer", Kind: "age", Own: true, Newest: true, Created: at(2)},
		{Name: "age1older", Kind: "age", Own: true, Created: at(1), Exported: at(3)},
		{Name: "AB12", Kind: "pgp"}, {Name: "SHA256:0", Kind: "sealed-secrets"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWarnsOfTheNewestKey: from its making until it was exported, and of none
// but the newest.
func TestWarnsOfTheNewestKey(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	keys, err := secret.Load(secret.Files{Own: data})
	if err != nil {
		t.Fatal(err)
	}
	ring, own := keyring{keys}, secret.OwnIn(data)
	if warnings := ring.warnings(); len(warnings) > 0 {
		t.Error(warnings)
	}
	var said bytes.Buffer
	if err := firstKey(ring, data, slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatal(err)
	}
	made, err := own.List()
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	if text := said.String(); !strings.Contains(text, made[0].Recipient) || !strings.Contains(text, "has never been exported") || strings.Contains(text, "AGE-SECRET-KEY") {
		t.Error(text)
	}
	warned := func(what string, want bool) {
		t.Helper()
		if got := ring.warnings(); (len(got) > 0) != want {
			t.Errorf("%s: %q", what, got)
		}
	}
	warned("a new key", true)
	if err := own.Exported(made, time.Now()); err != nil {
		t.Fatal(err)
	}
	warned("it was exported", false)
	if _, err := own.Rotate(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	warned("a newer one", true)
	if err := firstKey(ring, data, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if all, err := own.List(); err != nil || len(all) != 2 {
		t.Error(all, err)
	}
	if err := os.Chmod(filepath.Join(data, secret.OwnFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := firstKey(ring, data, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "others can read") {
		t.Error(err)
	}
}
