package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
)

func TestFleetDeclaresSomeOfItsFolders(t *testing.T) {
	f := newFleet(20, 12)
	declared, folders := 0, 0
	for path, text := range f.files {
		switch {
		case strings.HasPrefix(path, "declared/"):
			declared++
			var app v1alpha1.App
			if err := yaml.UnmarshalStrict([]byte(text), &app); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(path, "kustomization.yaml"):
			folders++
		}
	}
	if declared != 12 || folders != 20 || len(f.apps) != 12 || len(f.objects) != 12*objectsPerApp {
		t.Errorf("%d declared, %d folders, %d Apps, %d objects", declared, folders, len(f.apps), len(f.objects))
	}
}

func TestTheFloorAppliesWhatIsDeclared(t *testing.T) {
	for name, f := range map[string]*fleet{"fleet": newFleet(1, 1), "bulk": newBulk(3)} {
		for _, m := range f.objects {
			body, err := m.body(floorNamespace)
			if err != nil {
				t.Fatal(err)
			}
			var o struct {
				Metadata struct {
					Name, Namespace string
					Labels          map[string]string
				}
			}
			if err := json.Unmarshal(body, &o); err != nil {
				t.Fatal(err)
			}
			if o.Metadata.Name != m.name || o.Metadata.Namespace != floorNamespace || o.Metadata.Labels[partLabel] != partValue {
				t.Errorf("%s: %+v", name, o.Metadata)
			}
			if m.resource.Resource == "" {
				t.Errorf("%s: the resource of %s is not known", name, m.name)
			}
		}
	}
}

func TestATurnChangesOneLine(t *testing.T) {
	f := newFleet(2, 2)
	c := f.turn("app-0001", "turn-7")
	if len(c.files) != 1 || f.turns["app-0001"] != "turn-7" || f.turns["app-0000"] != firstTurn {
		t.Fatalf("%+v, turns %v", c, f.turns)
	}
	for path, after := range c.files {
		before := strings.Split(f.files[path], "\n")
		var changed []string
		for i, line := range strings.Split(after, "\n") {
			if i >= len(before) || line != before[i] {
				changed = append(changed, strings.TrimSpace(line))
			}
		}
		if diff := cmp.Diff([]string{`turn: "turn-7"`}, changed); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBreakingIsForTheRendererOrForTheServer(t *testing.T) {
	f := newFleet(1, 1)
	for unreadable, want := range map[bool]bool{true: false, false: true} {
		for _, text := range f.breakUp("app-0000", unreadable).files {
			var content map[string]any
			if got := yaml.Unmarshal([]byte(text), &content) == nil; got != want {
				t.Errorf("unreadable %v: it can be read: %v\n%s", unreadable, got, text)
			}
		}
	}
}
