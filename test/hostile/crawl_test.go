package hostile_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/history"
)

// told is all that could be read somewhere, by where that was.
type told map[string]string

// crawl reads everything that the daemon tells anyone, and everything that it
// keeps; the commands are asked about some Apps.
func (s *stand) crawl(t *testing.T, names ...string) told {
	t.Helper()
	all := told{"the log": s.log.text()}
	s.crawlAPI(t, all)
	s.crawlQueries(t, all)
	s.crawlCommands(t, all, names...)
	s.crawlVerbs(t, all)
	s.crawlCluster(t, all)
	s.crawlData(t, all)
	return all
}

// crawlData reads what the daemon keeps.
func (s *stand) crawlData(t *testing.T, all told) {
	t.Helper()
	crawlFolder(t, all, s.data, func(path string) bool {
		return path == "token" || path == "hook-secret" || path == "hiding-key" || path == "age-keys" || // which hold nothing else
			strings.HasPrefix(path, "git/mirrors/") && strings.Contains(path, "/objects/") // what people committed is there, of course
	})
}

// crawlAPI asks for everything that docs/openapi.yaml lists, of every App and
// release, with the token and without.
func (s *stand) crawlAPI(t *testing.T, all told) {
	t.Helper()
	for _, path := range append(apiPaths(t), "/healthz", "/readyz", "/metrics", "/", "/nope", "/hooks/git") {
		for _, concrete := range s.paths(t, path) {
			for _, token := range []string{s.token, "", "a-wrong-token"} {
				if strings.HasSuffix(concrete, "/stream") && token == s.token {
					all["GET "+concrete] = s.streamed(t, concrete)
					continue
				}
				response := s.ask(t, http.MethodGet, concrete, token)
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				all[fmt.Sprintf("GET %s with token %.9q", concrete, token)] = fmt.Sprint(response.Header) + string(body)
				if token == s.token && response.StatusCode == http.StatusOK && len(body) == 0 {
					t.Errorf("GET %s tells nothing", concrete)
				}
			}
		}
	}
}

func apiPaths(t *testing.T) []string {
	t.Helper()
	var description struct{ Paths map[string]any }
	if err := yaml.Unmarshal([]byte(document(t, "openapi.yaml")), &description); err != nil {
		t.Fatal(err)
	}
	if len(description.Paths) == 0 {
		t.Fatal("docs/openapi.yaml has no paths")
	}
	return slices.Sorted(maps.Keys(description.Paths))
}

// document is a file of docs.
func document(t *testing.T, name string) string {
	t.Helper()
	top, err := checkout()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(top, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// paths fills the parameters of a path in, in every way.
func (s *stand) paths(t *testing.T, path string) []string {
	t.Helper()
	var found []string
	switch {
	case strings.Contains(path, "{name}"):
		for _, id := range s.ids(t) {
			namespace, name, _ := strings.Cut(id, "/")
			found = append(found, strings.NewReplacer("{namespace}", namespace, "{name}", name).Replace(path))
		}
	case strings.Contains(path, "{id}"):
		for _, id := range s.releaseIDs(t) {
			found = append(found, strings.ReplaceAll(path, "{id}", id))
		}
	default:
		found = []string{path}
	}
	if slices.ContainsFunc(found, func(p string) bool { return strings.Contains(p, "{") }) {
		t.Fatalf("%s has a parameter that this test doesn't know: teach it", path)
	}
	return found
}

func (s *stand) ids(t *testing.T) []string {
	t.Helper()
	return strings.Fields(s.says("get", "apps", "-o", "name").out)
}

func (s *stand) releaseIDs(t *testing.T) (ids []string) {
	t.Helper()
	releases, err := s.Releases(t.Context(), history.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range releases {
		ids = append(ids, fmt.Sprint(r.ID))
	}
	return ids
}

// crawlCommands runs every command that asks the daemon, in every format, about
// some Apps: all that they can print is what the API tells of all.
func (s *stand) crawlCommands(t *testing.T, all told, names ...string) {
	t.Helper()
	perApp := map[string][]string{
		"get app": {"", "json"}, "tree": {"", "json"}, "render": {"", "json", "name"}, "history": {"", "json"}, "sync": {"", "json"},
		"diff": {"", "json", "markdown"}, "logs": {"", "json"}, "events": {"", "json"},
	}
	other := map[string][]string{"get apps": {"", "json", "yaml", "wide", "name"}, "get root": {"", "json"}, "keys list": {"", "json", "yaml", "name"}}
	elsewhere := []string{"apply", "approve", "blame", "compare", "get pauses", "keys create", "keys export", "keys import", "keys rotate", "pause", "resume", "rollback", "rotate secret", "seal", "unseal", "vet", "wait"} // crawlVerbs, and test/verbs
	silent := []string{"run", "dev up", "dev down", "dev status", "completion", "version"}                                                                                                                                   // which ask no daemon
	for _, documented := range regexp.MustCompile("(?m)^### `plumb ([a-z ]+)`$").FindAllStringSubmatch(document(t, "cli.md"), -1) {
		_, app := perApp[documented[1]]
		_, alone := other[documented[1]]
		if !app && !alone && !slices.Contains(silent, documented[1]) && !slices.Contains(elsewhere, documented[1]) {
			t.Errorf("plumb %s is a command that this test doesn't know: teach it", documented[1])
		}
	}
	try := func(command, format string, args ...string) {
		args = append(strings.Fields(command), args...)
		if format != "" {
			args = append(args, "-o", format)
		}
		got := s.says(args...)
		all["plumb "+strings.Join(args, " ")] = got.out + got.err
	}
	for command, formats := range other {
		for _, format := range formats {
			try(command, format)
		}
	}
	for _, name := range names {
		for command, formats := range perApp {
			for _, format := range formats {
				try(command, format, s.id(name))
			}
		}
		d, _ := s.app(name)
		for _, r := range d.Releases {
			try("history", "", "--id", fmt.Sprint(r.ID))
		}
	}
}

// crawlCluster reads events, and of objects all but what Secrets are for.
func (s *stand) crawlCluster(t *testing.T, all told) {
	t.Helper()
	for _, resource := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "events"}, {Group: "events.k8s.io", Version: "v1", Resource: "events"},
		{Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "configmaps"},
	} {
		list, err := s.cluster.Resource(resource).Namespace(s.namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			if resource.Resource == "secrets" { // what people committed is there, of course
				unstructured.RemoveNestedField(o.Object, "data")
				o.SetAnnotations(ownOnly(o.GetAnnotations()))
			}
			if resource.Resource == "configmaps" && o.GetName() == "gated" {
				unstructured.RemoveNestedField(o.Object, "data") // as above
			}
			text, err := o.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			all[fmt.Sprintf("%s %s in the cluster", resource.Resource, o.GetName())] = string(text)
		}
	}
}

// ownOnly are the annotations that Plumb makes.
func ownOnly(annotations map[string]string) map[string]string {
	maps.DeleteFunc(annotations, func(name, _ string) bool { return !strings.HasPrefix(name, "plumb.dev/") })
	return annotations
}

// crawlFolder reads every file, and every file's name, below a folder.
func crawlFolder(t *testing.T, all told, folder string, but func(path string) bool) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) { // it went meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		below, _ := filepath.Rel(folder, path)
		if but(filepath.ToSlash(below)) || !d.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		all["the file "+path] = path + "\n" + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// crawlProcesses reads what can be seen of the daemon and all that it started:
// command lines, and its own environment. It returns how many they are.
func (d *daemon) crawlProcesses(t *testing.T, all told) int {
	t.Helper()
	own := fmt.Sprint(d.cmd.Process.Pid)
	family := map[string]bool{own: true}
	for grown := true; grown; {
		grown = false
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, file := range stats {
			pid := filepath.Base(filepath.Dir(file))
			stat, err := os.ReadFile(file)
			if err != nil || family[pid] {
				continue
			}
			after := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // state, parent, …
			if len(after) > 1 && family[after[1]] {
				family[pid], grown = true, true
			}
		}
	}
	for pid := range family {
		whats := []string{"cmdline"}
		if pid == own { // git gets its credentials by its environment, which only its user can read
			whats = append(whats, "environ")
		}
		for _, what := range whats {
			content, err := os.ReadFile(filepath.Join("/proc", pid, what))
			if err != nil {
				continue // it ended
			}
			command, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
			all[fmt.Sprintf("%s of process %s (%.60q)", what, pid, command)] = string(content)
		}
	}
	return len(family)
}
