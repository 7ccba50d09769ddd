package server

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// TestEveryFieldIsDocumented holds docs/api.md to the types that are served:
// each has a section, and its table names each field and no other.
func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"App": status.App{}, "Source": status.Source{}, "Target": status.Target{}, "Detail": status.Detail{}, "Object": status.Object{},
		"Root": status.Root{}, "Problem": status.Problem{}, "SecretKey": status.Key{}, "Key": object.Key{}, "Origin": object.Origin{},
		"Release": release.Release{}, "Revision": release.Revision{}, "Change": release.Change{}, "Attempt": release.Attempt{}, "HookRun": release.HookRun{},
		"Hold": gate.Hold{}, "PendingPlan": status.PendingPlan{}, "Pause": gate.Pause{}, "Window": status.Window{},
		"Plan": plan.Plan{}, "PlanChange": plan.Change{}, "Field": plan.Field{}, "Value": plan.Value{}, "PlanProblem": plan.Problem{}, "PlanHook": plan.Hook{}, "Extra": plan.Extra{},
		"Comparison": plan.Comparison{}, "Difference": plan.Difference{}, "Blame": plan.Blame{}, "Blamed": plan.Blamed{}, "BlamedLine": plan.BlamedLine{},
		"Approval": gate.Approval{}, "Resumed": status.Resumed{}, "Kept": status.Kept{}, "Unkept": status.Unkept{},
		"RolledBack": status.RolledBack{}, "Skipped": status.Skipped{}, "Verdict": status.Verdict{}, "Event": event.Event{}, "Line": event.Line{},
		"SyncAccepted": SyncAccepted{}, "Readiness": Readiness{}, "Check": CheckResult{},
	} {
		want, got := fieldsOf(reflect.TypeOf(value)), documented(string(content), name)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("docs/api.md, section %s (-served +documented):\n%s", name, diff)
		}
	}
}

// TestEveryRouteIsDocumented holds docs/api.md to what is mounted.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range mount(fullConfig(t)).patterns {
		if !strings.Contains(string(content), "| `"+pattern+"` |") {
			t.Errorf("docs/api.md lacks a row for %s", pattern)
		}
	}
}

// fieldsOf are the names in JSON of a struct's own fields. Those of an embedded
// one are documented where it is.
func fieldsOf(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		if f := of.Field(i); !f.Anonymous && f.Tag.Get("json") != "-" {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

var firstColumn = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// documented are the fields in the first column of a section's table.
func documented(content, section string) (names []string) {
	_, rest, _ := strings.Cut(content, "\n### "+section+"\n")
	text, _, _ := strings.Cut(rest, "\n### ")
	for _, found := range firstColumn.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	return names
}
