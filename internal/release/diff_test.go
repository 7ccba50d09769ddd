package release

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func field(path string, before, after any) FieldChange {
	return FieldChange{Path: path, Owner: "kubectl-edit", Before: &FieldValue{Content: before}, After: &FieldValue{Content: after}}
}

func TestShortDiffsAreKeptWhole(t *testing.T) {
	t.Parallel()
	changes := []Change{
		{Action: "create"},
		{Action: "update", Fields: []string{"a"}, Diff: []FieldChange{
			field("a", "1", "2"), field("b", json.Number("3"), nil), field("c", []any{"x"}, map[string]any{"y": true}),
			{Path: "d", After: &FieldValue{Hidden: "(hidden 3f9a)"}}, {Path: "e", Before: &FieldValue{Content: "cut", Cut: 7}},
		}, More: 3},
	}
	if diff := cmp.Diff(changes, BoundDiffs(changes)); diff != "" {
		t.Errorf("(-given +bound)\n%s", diff)
	}
	if got := BoundDiffs(nil); len(got) != 0 {
		t.Errorf("no changes become %v", got)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", MaxValue)
	for name, content := range map[string]any{"text": long, "list": []any{"x", long}, "object": map[string]any{"x": long}} {
		given := []Change{{Diff: []FieldChange{field("a", content, "short")}}}
		b, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		whole := string(b)
		if name == "text" {
			whole = long
		}
		got := BoundDiffs(given)[0].Diff[0]
		text, ok := got.Before.Content.(string)
		if !ok || len(text) > MaxValue || !strings.HasPrefix(whole, text) || len(text)+got.Before.Cut != len(whole) || got.After.Content != "short" {
			t.Errorf("%s: kept are %d bytes, cut %d of %d", name, len(text), got.Before.Cut, len(whole))
		}
		if !cmp.Equal(given[0].Diff[0].Before.Content, content) {
			t.Errorf("%s: what was given is changed", name)
		}
	}
}

func TestManyFieldsAreCounted(t *testing.T) {
	t.Parallel()
	var changes []Change
	for range MaxChanges {
		c := Change{Action: "update"}
		for n := range 50 {
			c.Diff = append(c.Diff, field(fmt.Sprint("spec.field", n), strings.Repeat("a", 300), strings.Repeat("b", 5*n)))
		}
		changes = append(changes, c)
	}
	bound := BoundDiffs(changes)
	size, ended := 0, false
	for i, c := range bound {
		if len(c.Diff)+c.More != 50 || len(c.Diff) > 0 && ended {
			t.Fatalf("change %d keeps %d fields and counts %d, ended %v", i, len(c.Diff), c.More, ended)
		}
		ended = c.More > 0
		b, err := json.Marshal(c.Diff)
		if err != nil {
			t.Fatal(err)
		}
		size += len(b)
	}
	if size > MaxDiff+MaxChanges*100 || size < MaxDiff/2 || !ended {
		t.Errorf("%d bytes are kept; at most %d should be", size, MaxDiff)
	}
	if diff := cmp.Diff(bound, BoundDiffs(bound)); diff != "" {
		t.Errorf("bound once more it changes (-once +twice)\n%s", diff)
	}
}
