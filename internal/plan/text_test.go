package plan

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/object"
)

func TestText(t *testing.T) {
	t.Parallel()
	p := sample()
	p.Changes[1].Fields = append(p.Changes[1].Fields,
		Field{Path: "data.app.conf", Before: Shown("a\nb\nc\nd\n"), After: Shown("a\nB\nc\nd\n")},
		Field{Path: "data.password", Before: &Value{Hidden: "<hidden 01>"}, After: &Value{Hidden: "<hidden 02>"}},
		Field{Path: "data.name", Owner: "ada"},
	)
	p.Changes = append(p.Changes, Change{Action: Conflict, Key: keyOf("Job", "shop", "migrate"), Reason: "the API server refused it: field is immutable"})
	p.Extra = []Extra{{keyOf("ConfigMap", "shop", "hand"), "nobody declares it"}}
	p.Problems = []Problem{{Key: keyOf("Gear", "shop", "g"), Origin: object.Origin{File: "g.yaml", Line: 2}, Message: "unknown kind"}}
	p = New(p)
	want := `team-a/shop on https://127.0.0.1:6443 at 1d687d6a "raise the replicas" by Ada <ada@example.com>

create in namespace shop:
  + ConfigMap/settings  a.yaml:1
    + data: {"color":"blue"}

update in namespace shop:
  ~ Deployment/web  apps/web.yaml:12  is declared otherwise
    ~ spec.replicas: 2 → 3  (by kubectl-edit)
    - spec.paused: true
    ~ data.app.conf:
      … 1 line as it is
      - b
      + B
      … 2 lines as it is
    ~ data.password: <hidden 01> → <hidden 02>
    ~ data.name  (by ada)
      … and 3 more fields

prune in namespace shop:
  - Service/old  is no longer declared

prune, cluster-wide:
  - Namespace/old  is no longer declared

can't be done in namespace shop:
  ! Job/migrate  the API server refused it: field is immutable

left alone:
  = ConfigMap/shop/hand  nobody declares it

could not be told:
  ! g.yaml:2  Gear/shop/g  unknown kind

1 to create, 1 to update, 2 to prune, 1 that can't be done, 14 in line, 1 unknown
Plan HASH can't be applied as a whole: see to what is marked ! first.
`
	if diff := cmp.Diff(strings.Replace(want, "HASH", p.Short(), 1), p.Text(View{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	bare := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(p.Text(View{Colour: true}), "")
	if diff := cmp.Diff(p.Text(View{}), bare); diff != "" {
		t.Errorf("in colour it says something else (-plain +coloured)\n%s", diff)
	}
}

func TestTextEndsWithWhatToDoNext(t *testing.T) {
	t.Parallel()
	p := New(sample())
	stale := p
	stale.Stale = true
	for name, tc := range map[string]struct {
		plan Plan
		view View
		want string
	}{
		"it can be applied": {p, View{Next: "plumb approve team-a/shop"}, "Plan " + p.Short() + ": plumb approve team-a/shop\n"},
		"nothing is known":  {p, View{}, "Plan " + p.Short() + "\n"},
		"it is stale":       {stale, View{Next: "x"}, "Plan " + p.Short() + " is stale: what it was made from has changed. Make a new one.\n"},
		"all is in line":    {New(Plan{App: "a/b", Unchanged: 3}), View{Next: "x"}, "3 in line\nIn line: there is nothing to do.\n"},
	} {
		if got := tc.plan.Text(tc.view); !strings.HasSuffix(got, tc.want) {
			t.Errorf("%s: it ends with\n%s", name, got)
		}
	}
}

func TestLongValuesAreFolded(t *testing.T) {
	t.Parallel()
	lines := strings.Repeat("one more line\n", 40)
	word := strings.Repeat("x", 500)
	p := Plan{Changes: []Change{{Action: Update, Key: keyOf("ConfigMap", "shop", "a"), Fields: []Field{
		{Path: "data.new", After: Shown(lines)},
		{Path: "data.word", Before: Shown(word + "1" + word), After: Shown(word + "2" + word)},
		{Path: "data.cut", Before: &Value{Content: "a\n", Cut: 9}, After: &Value{Content: "b\n", Cut: 9}},
	}}}}
	got := p.Text(View{})
	for _, want := range []string{"+ … 29 more lines", "- … " + word[:20] + "1" + word[:20] + " …", "… 9 bytes are left out"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if full := p.Text(View{Full: true}); strings.Count(full, "one more line") != 40 || !strings.Contains(full, word+"2"+word) {
		t.Errorf("in full it is\n%s", full)
	}
	for i := range 30 {
		p.Changes[0].Fields = append(p.Changes[0].Fields, Field{Path: "data.f", After: Shown(int64(i))})
	}
	if got := p.Text(View{}); !strings.Contains(got, "… and 13 more fields") {
		t.Errorf("of many fields it shows\n%s", got)
	}
}

// hostile is a plan that has one text in every place that comes from outside.
func hostile(s string) Plan {
	key := object.Key{Group: s, Kind: s, Namespace: s, Name: s}
	fields := []Field{
		{Path: s, Owner: s, Before: Shown(s), After: Shown([]any{s})},
		{Path: s, After: Shown(map[string]any{s: s, "more": strings.Repeat(s, 5) + "\n" + s})},
		{Path: s, Before: &Value{Hidden: s}, After: Shown(s + "\n```\n</details>" + s)},
	}
	p := New(Plan{
		App: s, Revision: s, Author: s, Subject: s, Cluster: s, Namespace: s,
		Changes: []Change{
			{Action: Update, Key: key, Origin: object.Origin{File: s, Line: 1}, Reason: s, Fields: fields},
			{Action: Conflict, Key: key, Reason: s},
		},
		Problems: []Problem{{Key: key, Origin: object.Origin{File: s}, Message: s}},
		Extra:    []Extra{{Key: key, Reason: s}},
	})
	p.Hash = s // as from a daemon that isn't ours
	return p
}

var attacks = []string{
	"\x1b[2J\x1b]0;pwned\x07", "a\rb", "a\nPlan 000000000000: all fine", "\u202eevil", "\u009b31m", "a\x00b", "\xff\xfe", "tab\there", "\u2028", "\u200b",
	"```\n</details><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "@ada please", "#12", "[x](javascript:alert(1))", "`a` | b", "![x](http://x/y.png)",
	"www.example.com", "ada@example.com", "https://example.com/a", "*a* _b_ ~c~", "&lt;b&gt;", "</code></summary></details>", "$x$", ":tada:",
}

func TestNothingRawReachesTheTerminal(t *testing.T) {
	t.Parallel()
	for _, s := range attacks {
		requirePrintable(t, hostile(s))
	}
}

func FuzzText(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		requirePrintable(t, hostile(s))
		requireInside(t, hostile(s).Markdown(View{}))
	})
}

func requirePrintable(t *testing.T, p Plan) {
	t.Helper()
	for _, v := range []View{{}, {Full: true}} {
		_, rest, _ := strings.Cut(p.Text(v), "\n") // the heading begins with the App's name
		for line := range strings.Lines(rest) {
			line = strings.TrimSuffix(line, "\n")
			if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("a line has %q: %q", line[i:], line)
			}
			if strings.HasPrefix(line, "Plan ") && !strings.HasPrefix(line, "Plan "+printable(p.Short())) {
				t.Errorf("a line pretends to name the plan: %q", line)
			}
		}
	}
}
