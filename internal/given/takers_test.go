package given_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
)

func TestTakers(t *testing.T) {
	t.Parallel()
	a, b := object.Key{Kind: "Secret", Name: "a"}, object.Key{Kind: "ConfigMap", Name: "b"}
	var takers given.Takers
	if keys, moved := takers.Moved(); len(keys) != 0 || moved {
		t.Errorf("nobody takes anything, and there are %v (%t)", keys, moved)
	}
	takers.Set("one", []object.Key{a, b})
	takers.Set("two", []object.Key{a})
	if keys, moved := takers.Moved(); len(keys) != 2 || !moved {
		t.Errorf("there are %v (%t)", keys, moved)
	}
	takers.Set("two", []object.Key{a})
	if _, moved := takers.Moved(); moved {
		t.Error("the same again is a change")
	}
	if diff := cmp.Diff([]string{"one", "two"}, takers.Of(a)); diff != "" {
		t.Error(diff)
	}
	takers.Set("one", nil)
	if keys, moved := takers.Moved(); len(keys) != 1 || !moved || len(takers.Of(b)) != 0 || len(takers.Of(a)) != 1 {
		t.Errorf("after one left there are %v (%t)", keys, moved)
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	key := object.Key{Kind: "Secret", Name: "a"}
	now := map[object.Key]string{}
	version := func(k object.Key) (string, bool) { v, known := now[k]; return v, known }
	taken := given.Taken{Versions: map[object.Key]string{key: "7"}, Served: "x"}
	for _, step := range []struct {
		what    string
		version string // as it is now; "?" is unknown
		served  string
		want    bool
	}{
		{"nothing is known", "?", "", false}, {"all is the same", "7", "x", false}, {"it changed", "8", "x", true}, {"it is gone", "", "x", true},
		{"other kinds", "7", "y", true},
	} {
		delete(now, key)
		if step.version != "?" {
			now[key] = step.version
		}
		if got := taken.Differs(version, step.served); got != step.want {
			t.Errorf("%s: it differs: %t", step.what, got)
		}
	}
	if (given.Taken{}).Differs(version, "y") {
		t.Error("who took nothing has nothing to take anew")
	}
}
