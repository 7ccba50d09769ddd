package plan

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var firstColumn = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// TestEveryFieldIsDocumented holds docs/plan.md to the types: each has a
// section, and its table names each field and no other.
func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "`"+Version+"`") {
		t.Errorf("docs/plan.md doesn't name the version %s", Version)
	}
	for _, value := range []any{Plan{}, Change{}, Hook{}, Field{}, Value{}, Problem{}, Extra{}} {
		of := reflect.TypeOf(value)
		var want, got []string
		for i := range of.NumField() {
			if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "-" {
				want = append(want, name)
			}
		}
		_, rest, _ := strings.Cut(string(content), "\n### "+of.Name()+"\n")
		section, _, _ := strings.Cut(rest, "\n##")
		for _, found := range firstColumn.FindAllStringSubmatch(section, -1) {
			got = append(got, found[1])
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("docs/plan.md, section %s (-served +documented):\n%s", of.Name(), diff)
		}
	}
}
