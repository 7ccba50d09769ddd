package renders

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// program is one of the real ones, as `make renderers` builds it.
func program(t *testing.T, name string) string {
	t.Helper()
	at, err := filepath.Abs(filepath.Join("../../bin", name))
	if err == nil {
		_, err = os.Stat(at)
	}
	if err != nil {
		t.Fatalf("%v; build it: make renderers", err)
	}
	return at
}

// scene is one case: a repository's files, and what is asked of them.
type scene struct {
	files   map[string]string
	flags   []string
	render  string
	given   given.Values
	post    string
	fetched map[string]map[string]string // by repository, name and version
	differs map[string]string
}

func readScene(t *testing.T, file string) scene {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Fatal("it doesn't say what it covers")
	}
	s := scene{files: map[string]string{}, differs: map[string]string{}}
	for _, f := range archive.Files {
		switch f.Name {
		case "helm":
			s.flags = strings.Fields(string(f.Data))
		case "render.yaml":
			s.render = string(f.Data)
		case "given.json":
			if err := json.Unmarshal(f.Data, &s.given); err != nil {
				t.Fatal(err)
			}
		case "post.yaml":
			s.post = string(f.Data)
		case "differs":
			for line := range strings.Lines(string(f.Data)) {
				key, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
				s.differs[key] = why
			}
		default:
			s.put(f.Name, string(f.Data))
		}
	}
	return s
}

// put takes in a file of the repository, or of a chart that is fetched:
// fetched/SCHEME/HOST/NAME/VERSION/FILE.
func (s *scene) put(name, content string) {
	parts := strings.SplitN(name, "/", 6)
	if parts[0] != "fetched" {
		s.files[name] = content
		return
	}
	of := strings.Join(parts[1:5], "/")
	if s.fetched == nil {
		s.fetched = map[string]map[string]string{}
	}
	if s.fetched[of] == nil {
		s.fetched[of] = map[string]string{}
	}
	s.fetched[of][parts[5]] = content
}

// tree is what Plumb renders: with the fetched charts mounted.
func (s scene) tree() tree.Tree {
	mounts := map[string]tree.Tree{}
	for of, files := range s.fetched {
		p := strings.Split(of, "/")
		need := render.Need{Chart: &v1alpha1.Chart{Repository: p[0] + "://" + p[1], Name: p[2], Version: p[3]}}
		mounts[need.Mount()] = treetest.New(files)
	}
	return treetest.New(s.files).Mount(mounts)
}

// vendored is the case with all that is fetched in the folder charts, as helm
// dependency build puts it there.
func (s scene) vendored() scene {
	s.files = maps.Clone(s.files)
	for of, files := range s.fetched {
		for name, content := range files {
			s.files["c/charts/"+strings.Split(of, "/")[2]+"/"+name] = content
		}
	}
	return s
}

// onDisk are the files in a folder of the test's.
func (s scene) onDisk(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	for name, content := range s.files {
		at := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// output is what a program prints. It finds nothing of the user's.
func output(t *testing.T, dir string, command ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	home := t.TempDir()
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + filepath.Join(home, "none")}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %s", strings.Join(command, " "), stderr.String())
	}
	return string(out), err
}

// objects reads what a program printed, without what Plumb takes from every
// object, for only a server sets it.
func objects(t *testing.T, text string) []object.Object {
	t.Helper()
	var all []object.Object
	for part := range strings.SplitSeq(text, "\n---\n") {
		for d, err := range manifest.Read("printed", []byte(lastOfTwice(t, part+"\n"))) {
			if err != nil {
				t.Fatal(err)
			}
			o := d.Object()
			delete(o.Object, "status")
			if metadata, is := o.Object["metadata"].(map[string]any); is {
				delete(metadata, "creationTimestamp")
			}
			all = append(all, o)
		}
	}
	return all
}

// lastOfTwice is a document in which no key is given twice: the last counts, as
// for those who apply what is printed.
func lastOfTwice(t *testing.T, document string) string {
	t.Helper()
	for _, err := range manifest.Read("printed", []byte(document)) {
		if err == nil || !strings.Contains(err.Error(), "is given twice") {
			continue
		}
		asJSON, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		return string(asJSON)
	}
	return document
}

// same compares objects one by one. Two of one key are compared in their order.
func same(t *testing.T, theirs, ours []object.Object, differs map[string]string) {
	t.Helper()
	if len(theirs) == 0 {
		t.Error("there is nothing to compare")
	}
	key := func(o object.Object) string { return o.Key().String() }
	byKey := func(x, y object.Object) int { return strings.Compare(key(x), key(y)) }
	slices.SortStableFunc(theirs, byKey)
	slices.SortStableFunc(ours, byKey)
	want, got := map[string]any{}, map[string]any{}
	for _, o := range theirs {
		want[key(o)] = o.Object
	}
	for _, o := range ours {
		got[key(o)] = o.Object
	}
	for name, object := range want {
		why, known := differs[name]
		switch equal := cmp.Equal(object, got[name]); {
		case equal && known:
			t.Errorf("%s is the same, and was said to differ: %s", name, why)
		case !equal && !known:
			t.Errorf("%s differs (-theirs +Plumb)\n%s", name, cmp.Diff(object, got[name]))
		}
		delete(got, name)
	}
	for name := range got {
		if differs[name] == "" {
			t.Errorf("%s is Plumb's alone:\n%s", name, cmp.Diff(nil, got[name]))
		}
	}
}
