package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/redact"
)

func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	o := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"nothing":            {`{a: 1, b: [1], c: {d: x}}`, `{c: {d: x}, b: [1], a: 1}`, nil},
		"a value":            {`{a: {b: 1, c: 2}}`, `{a: {b: 1, c: 3}}`, []string{"a.c: 2 → 3"}},
		"a field more":       {`{}`, `{a: {b: 1}}`, []string{`a:  → {"b":1}`}},
		"a field less":       {`{a: {b: 1}}`, `{}`, []string{`a: {"b":1} → `}},
		"null is not absent": {`{a: null}`, `{}`, []string{"a: null → "}},
		"another type":       {`{a: {b: 1}}`, `{a: [1]}`, []string{`a: {"b":1} → [1]`}},
		"a list of texts":    {`{a: [x, v]}`, `{a: [x, z, v]}`, []string{`a: ["x","v"] → ["x","z","v"]`}},
		"elements by name, in another place": {
			`{c: [{name: a, v: 1}, {name: b, v: 1}]}`, `{c: [{name: x}, {name: b, v: 2}]}`,
			[]string{`c[name="a"]: {"name":"a","v":1} → `, `c[name="b"].v: 1 → 2`, `c[name="x"]:  → {"name":"x"}`},
		},
		"another order only": {`{c: [{name: a}, {name: b}]}`, `{c: [{name: b}, {name: a}]}`, []string{`c: ["a","b"] → ["b","a"]`}},
		"ports, of which one leaves out its protocol": {
			`{p: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]}`, `{p: [{containerPort: 80, x: z}, {containerPort: 80, protocol: UDP}]}`,
			[]string{`p[containerPort=80,protocol="TCP"].x:  → "z"`},
		},
		"elements that nothing tells apart": {`{c: [{v: 1}, {v: 2}]}`, `{c: [{v: 1}, {v: 3}]}`, []string{"c[1].v: 2 → 3"}},
		"the same, of other numbers":        {`{c: [{v: 1}]}`, `{c: [{v: 1}, {v: 3}]}`, []string{`c: [{"v":1}] → [{"v":1},{"v":3}]`}},
		"two of one name":                   {`{c: [{name: a}, {name: a}]}`, `{c: [{name: a}, {name: b}]}`, []string{`c[1].name: "a" → "b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range Diff(parse(t, tc.before), parse(t, tc.after), nil) {
				b, _ := s.Before.inLine()
				a, _ := s.After.inLine()
				got = append(got, fmt.Sprintf("%s: %s → %s", s.Path(), b, a))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDiffTakesTheKeysThatAreKnown(t *testing.T) {
	t.Parallel()
	keys := func(list fieldpath.Path) []string {
		if list.String() == ".spec.rules" {
			return []string{"verb"}
		}
		return nil
	}
	spots := Diff(parse(t, `{spec: {rules: [{name: a, verb: get}]}}`), parse(t, `{spec: {rules: [{name: b, verb: get}]}}`), keys)
	if len(spots) != 1 || spots[0].Path() != `spec.rules[verb="get"].name` {
		t.Errorf("it finds %+v", spots)
	}
}

func TestDiffOfHiddenValuesTellsOnlyThatTheyDiffer(t *testing.T) {
	t.Parallel()
	a := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {same: YQ==, other: YQ==, gone: YQ==}}`)
	b := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {same: YQ==, other: Yg==}}`)
	mask := redact.New([]byte("key")).Of(a, b)
	spots := Diff(mask.Show(a), mask.Show(b), nil)
	if len(spots) != 2 || spots[0].Path() != "data.gone" || spots[1].Path() != "data.other" {
		t.Fatalf("it finds %+v", spots)
	}
	if x := spots[1]; x.Before.Hidden == x.After.Hidden || x.Before.Content != nil || !strings.HasPrefix(x.After.Hidden, "<hidden ") {
		t.Errorf("it is shown as %+v and %+v", x.Before, x.After)
	}
	rules := redact.Redactor{}.With(v1alpha1.Sensitive{Kind: "X", Fields: []string{"/users/*/name"}})
	c, d := parse(t, `{kind: X, users: [{name: hunter2, v: 1}]}`), parse(t, `{kind: X, users: [{name: hunter2, v: 2}]}`)
	mask = rules.Of(c, d)
	for _, s := range Diff(mask.Show(c), mask.Show(d), nil) {
		if strings.Contains(s.Path(), "hunter2") {
			t.Errorf("the path holds what an element is known by: %s", s.Path())
		}
	}
}

func TestWhatDiffersInLongTextsIsNotCutAway(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line that stays\n", 10_000)
	spots := Diff(map[string]any{"a": long + "one\n" + long}, map[string]any{"a": long + "two\n" + long}, nil)
	if len(spots) != 1 || spots[0].Before.Content != "one\n" || spots[0].After.Content != "two\n" || spots[0].After.Cut != 2*len(long) {
		t.Errorf("it finds %v", spots)
	}
	for _, v := range []any{long, map[string]any{"a": long}, strings.Repeat("ä", mostOfValue)} {
		got := Shown(v)
		text, ok := got.Content.(string)
		if !ok || len(text) > mostOfValue || len(text) < mostOfValue-1 || got.Cut == 0 {
			t.Errorf("%d bytes are kept, %d cut", len(text), got.Cut)
		}
	}
}
