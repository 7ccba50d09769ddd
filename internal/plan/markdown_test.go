package plan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	p := sample()
	p.Changes[1].Fields = append(p.Changes[1].Fields, Field{Path: "data.conf", Before: Shown("a\nb\n"), After: Shown("a\n```\n")})
	p.Extra = []Extra{{keyOf("ConfigMap", "shop", "hand"), "nobody declares it"}}
	p = New(p)
	want := `### Plan for <code>team-a/shop</code>

**1 to create, 1 to update, 2 to prune, 14 in line** · plan <code>HASH</code> · commit <code>1d687d6a</code> · <code>https&#58;//127&#46;0&#46;0&#46;1&#58;6443</code>

<details><summary>create <code>ConfigMap/shop/settings</code></summary>

<code>a&#46;yaml&#58;1</code>

` + "```diff" + `
+ data: {"color":"blue"}
` + "```" + `

</details>

<details><summary>update <code>Deployment/shop/web</code> <code>is declared otherwise</code></summary>

<code>apps/web&#46;yaml&#58;12</code>

` + "````diff" + `
- spec.replicas  (by kubectl-edit): 2
+ spec.replicas  (by kubectl-edit): 3
- spec.paused: true
  data.conf:
… 1 line as it is
- b
+ ` + "```" + `
… and 3 more fields
` + "````" + `

</details>

- prune <code>Service/shop/old</code> <code>is no longer declared</code>

- prune <code>Namespace/old</code> <code>is no longer declared</code>

**Left alone**

- <code>ConfigMap/shop/hand</code> <code>nobody declares it</code>

<code>comment &#34;apply&#34;</code>
`
	if diff := cmp.Diff(strings.Replace(want, "HASH", p.Short(), 1), p.Markdown(View{Next: `comment "apply"`})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNothingBreaksOutOfTheComment(t *testing.T) {
	t.Parallel()
	for _, s := range attacks {
		requireInside(t, hostile(s).Markdown(View{Next: s}))
	}
}

// ours are the tags that a comment has; entity, how other characters are written.
var (
	ours   = regexp.MustCompile(`</?(details|summary|code)>`)
	entity = regexp.MustCompile(`&#[0-9]+;`)
	inCode = regexp.MustCompile(`<code>[^<]*</code>`)
)

// requireInside fails if anything outside of fences could be markup other than ours.
func requireInside(t *testing.T, text string) {
	t.Helper()
	fence := ""
	var outside strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "diff")
		case fence == "":
			outside.WriteString(line + "\n")
		case line == fence:
			fence = ""
		case strings.HasPrefix(strings.TrimLeft(line, " "), fence):
			t.Errorf("a line closes the fence: %q", line)
		}
	}
	if fence != "" {
		t.Errorf("a fence stays open:\n%s", text)
	}
	rest := outside.String()
	if strings.Count(rest, "<details>") != strings.Count(rest, "</details>") {
		t.Errorf("a block stays open:\n%s", text)
	}
	rest = entity.ReplaceAllString(ours.ReplaceAllString(inCode.ReplaceAllString(rest, ""), ""), "")
	if i := strings.IndexAny(rest, "<>&@`[]!_$\x1b\r"); i >= 0 {
		t.Errorf("outside of code there is %q", rest[i:])
	}
}

func TestALongPlanIsCut(t *testing.T) {
	t.Parallel()
	var p Plan
	for range 2000 {
		p.Changes = append(p.Changes, Change{Action: Create, Key: keyOf("ConfigMap", "shop", "a"), Fields: []Field{{Path: "data", After: Shown("x")}}})
		p.Extra = append(p.Extra, Extra{Key: keyOf("ConfigMap", "shop", "a")})
	}
	got := New(p).Markdown(View{})
	if len(got) > 65_536 || !strings.Contains(got, "more changes: the plan is too long") || !strings.Contains(got, "… and 1950 more") {
		t.Errorf("it has %d bytes and ends with %s", len(got), got[len(got)-200:])
	}
	requireInside(t, got)
}
