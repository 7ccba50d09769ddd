package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/discovery"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

var update = flag.Bool("update", false, "write kubernetes.json.gz anew from a real API server")

// TestBuiltIn: the built-in schemas are those that the API server publishes.
func TestBuiltIn(t *testing.T) {
	want := published(t)
	if *update {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(w).Encode(want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("kubernetes.json.gz", packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := read(builtIn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want.Kinds)), slices.Sorted(maps.Keys(have.Kinds))); diff != "" || want.Version != have.Version {
		t.Errorf("the API server is %s, the schemas are of %s: go test ./internal/schema -update\n%s", want.Version, have.Version, diff)
	}
}

// published are the schemas of a real API server, without what is for people.
func published(t *testing.T) Document {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	d := Document{Version: strings.TrimPrefix(version.GitVersion, "v"), Kinds: map[string]string{}, Schemas: map[string]map[string]any{}}
	for _, list := range lists {
		group, _, found := strings.Cut(list.GroupVersion, "/")
		if !found {
			group = ""
		}
		for _, r := range list.APIResources {
			if !r.Namespaced && !strings.Contains(r.Name, "/") && !slices.Contains(d.Cluster, group+"/"+r.Kind) {
				d.Cluster = append(d.Cluster, group+"/"+r.Kind)
			}
		}
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		t.Fatal(err)
	}
	for path, group := range paths {
		if !strings.HasPrefix(path, "api/") && !strings.HasPrefix(path, "apis/") || strings.Contains(path, "example") {
			continue
		}
		content, err := group.Schema("application/json")
		if err != nil {
			t.Fatal(path, err)
		}
		d.take(t, content)
	}
	return d
}

func (d *Document) take(t *testing.T, content []byte) {
	t.Helper()
	var open struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.NewDecoder(io.LimitReader(bytes.NewReader(content), 64<<20)).Decode(&open); err != nil {
		t.Fatal(err)
	}
	for name, s := range open.Components.Schemas {
		kinds, _ := s["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			gvk := k.(map[string]any)
			kind := gvk["kind"].(string)
			if len(kinds) == 1 && !strings.HasSuffix(kind, "List") && !strings.HasSuffix(kind, "Options") {
				d.Kinds[gvk["group"].(string)+"/"+gvk["version"].(string)+"/"+kind] = name
			}
		}
		d.Schemas[name] = bare(s).(map[string]any)
	}
}

// bare is a schema without what is for people, and what is of no use here.
func bare(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for word, value := range x {
			_, isText := value.(string)
			if word == "properties" {
				names := map[string]any{}
				for name, one := range value.(map[string]any) {
					names[name] = bare(one)
				}
				out[word] = names
				continue
			}
			if isText && (word == "description" || word == "format") || word == "default" || strings.HasPrefix(word, "x-kubernetes-list") || strings.HasPrefix(word, "x-kubernetes-patch") ||
				word == "x-kubernetes-group-version-kind" || word == "x-kubernetes-unions" || word == "x-kubernetes-map-type" {
				continue
			}
			out[word] = bare(value)
		}
		if all, is := out["allOf"].([]any); is && len(all) == 1 && len(out) == 1 { // which only said a default beside it
			return all[0]
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = bare(x[i])
		}
		return out
	}
	return v
}
