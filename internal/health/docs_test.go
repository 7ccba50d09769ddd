package health

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/health.md")

const docs = "../../docs/health.md"

// TestDocs holds the table of docs/health.md to the rules that there are.
func TestDocs(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| of | group | kinds | how |\n|---|---|---|---|\n"
	before, rest, found := strings.Cut(string(content), head)
	_, after, ends := strings.Cut(rest, "\n## ")
	if !found || !ends {
		t.Fatal("docs/health.md has no table of the rules")
	}
	want := before + head + table(t) + "\n## " + after
	switch {
	case want == string(content):
	case *update:
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the table of docs/health.md isn't that of the rules; write it with go test ./internal/health -run TestDocs -update")
	}
}

// table has a row for each rule, by whose kinds they are.
func table(t *testing.T) string {
	t.Helper()
	files := builtinFiles(t)
	byOwner := func(a, b string) int {
		return strings.Compare(files[a].Of+" "+a, files[b].Of+" "+b)
	}
	var rows strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(files), byOwner) {
		group := "`" + name + "`"
		switch suffix, wild := strings.CutPrefix(name, "any."); {
		case name == "core":
			group = "the core"
		case name == anyGroup:
			group = "all others"
		case wild:
			group = "`*." + suffix + "`"
		}
		for _, b := range files[name].Rules {
			kinds := strings.Join(b.Kinds, ", ")
			if kinds == "*" {
				kinds = "all (others)"
			}
			fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", files[name].Of, group, strings.ReplaceAll(kinds, "*", `\*`), strings.TrimSpace(b.Words))
		}
	}
	return rows.String()
}
