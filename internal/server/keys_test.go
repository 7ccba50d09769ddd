package server

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/status"
)

type fakeKeys struct {
	keys []status.Key
	err  error
}

func (f fakeKeys) Keys() ([]status.Key, error) { return f.keys, f.err }

func TestKeys(t *testing.T) {
	t.Parallel()
	want := []status.Key{{Name: "age1newest", Kind: "age", Own: true, Newest: true}, {Name: "AB12", Kind: "pgp"}}
	got := ask[list[status.Key]](t, New(Config{Keys: fakeKeys{keys: want}, Token: testToken}), "/api/v1/keys")
	if diff := cmp.Diff(want, got.Items); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := ask[list[status.Key]](t, New(Config{Keys: fakeKeys{}, Token: testToken}), "/api/v1/keys"); got.Items == nil {
		t.Error("the list is null")
	}
	w := answerTo(New(Config{Keys: fakeKeys{err: errors.New("/var/lib/plumb/age-keys has mode 0644")}, Token: testToken}), http.MethodGet, "/api/v1/keys", "")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the daemon's log says why") || strings.Contains(w.Body.String(), "/var/lib") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
