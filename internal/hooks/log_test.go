package hooks

import (
	"errors"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of the sidecar\n", 1000)
	for _, tc := range []struct {
		name string
		all  []Printed
		want string
	}{
		{"nothing", nil, ""},
		{"one container", []Printed{{Container: "main", Text: "done\n"}}, "done\n"},
		{"without an end of the line", []Printed{{Container: "main", Text: "done"}}, "done\n"},
		{"one that printed nothing", []Printed{{Container: "init"}, {Container: "main", Text: "done\n"}}, "[main]\ndone\n"},
		{"one that can't be read", []Printed{{Container: "init", Err: errors.New("no")}, {Container: "main", Text: "done\n"}},
			"[init]\n(what it printed can't be read: no)\n[main]\ndone\n"},
		{"one that was cut off", []Printed{{Container: "main", Text: "half", Err: errors.New("no")}}, "half\n(what it printed can't be read: no)\n"},
		{"one that prints much", []Printed{{Container: "main", Text: "it failed\n"}, {Container: "proxy", Text: long}},
			"[main]\nit failed\n[proxy]\n…\n" + strings.Repeat("a line of the sidecar\n", 4)},
		{"one line that is longer", []Printed{{Container: "main", Text: strings.Repeat("é", 1000) + " the end\n"}}, "…\n" + "\uFFFD" + strings.Repeat("é", 50) + " the end\n"},
		{"all do", []Printed{{Container: "a", Text: long}, {Container: "b", Text: long}},
			"[a]\n…\n" + strings.Repeat("a line of the sidecar\n", 2) + "[b]\n…\n" + strings.Repeat("a line of the sidecar\n", 2)},
	} {
		if got := Log(tc.all, 110); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
