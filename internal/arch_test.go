// Package internal_test holds the rules of the house as a test: which folder may know which, what a name may be, how big a thing may grow. It looks
// at source text only, so it needs nothing built and takes no time; what needs types is dev/lint's.
//
// Each rule says why it is there, and testdata/arch holds code that breaks it, for a rule that can't fail is worse than none. A rule that turns out
// to be in the way is changed here, in the open, never worked around.
package internal_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// A layer is a row of DESIGN.md, section 4. What stands below a noun (render/kustomize) is in the noun's layer.
type layer struct {
	name    string
	folders []string
	// mingle lets the layer's folders import each other. Two-way imports are refused all the same.
	mingle bool
}

// layers are all there are, from the lowest up. A package imports only from layers below its own.
func layers() []layer {
	return []layer{
		{name: "api", folders: []string{"api/v1alpha1"}},
		{name: "values", mingle: true, folders: []string{
			"internal/object", "internal/tree", "internal/plan", "internal/drift", "internal/ledger", "internal/health", "internal/hooks", "internal/step", "internal/release", "internal/status", "internal/board",
			"internal/gate", "internal/approval", "internal/dependency", "internal/event", "internal/redact", "internal/yamledit", "internal/fields", "internal/adopt", "internal/replace", "internal/generate", "internal/fit", "internal/sides", "internal/sight", "internal/refusal", "internal/gitobject", "internal/archive", "internal/signature", "internal/given", "internal/substitute",
		}},
		{name: "plumbing", folders: []string{"internal/git", "internal/queue", "internal/manifest", "internal/confine", "internal/limit", "internal/lease", "internal/logs", "internal/notes", "internal/watch", "internal/private", "internal/schema", "internal/registry", "internal/discovery"}},
		{name: "capabilities", folders: []string{"internal/source", "internal/render", "internal/target", "internal/history", "internal/hook", "internal/credentials", "internal/commit", "internal/secret", "internal/origin"}},
		{name: "pipeline", folders: []string{"internal/pipeline"}},
		{name: "flows", folders: []string{"internal/deliver", "internal/helmrecord", "internal/declare", "internal/operate", "internal/push", "internal/rotate", "internal/vet"}},
		{name: "shells", mingle: true, folders: []string{
			"internal/daemon", "internal/server", "internal/client", "internal/cli", "internal/controlplane", "internal/terminal", "internal/usage", "internal/view",
		}},
		{name: "commands", folders: []string{"cmd/plumb"}},
		{name: "around", mingle: true, folders: []string{"test", "bench", "dev"}},
	}
}

// limits are the sizes that the best code bases of this field keep. They are there to make one stop and think of the right cut.
type limits struct {
	function     int // lines of a function that is not yet long
	longShare    int // percent of functions that may be longer
	functionMost int // lines that no function may exceed
	complexity   int // independent ways through one function
	file         int // lines
	pkg          int // lines, without tests
	parameters   int // of a function, its context counted
	methods      int // of an interface
	doc          int // characters that a package's comment has at least
}

func houseLimits() limits {
	return limits{
		function: 60, longShare: 5, functionMost: 140, complexity: 25,
		file: 700, pkg: 3000, parameters: 5, methods: 5, doc: 100,
	}
}

// A rule finds what breaks it. Its name is that of its proof, testdata/arch/NAME.txtar.
type rule struct {
	name  string
	why   string
	check func(*repository, limits) []finding
}

type finding struct{ where, what string }

func (f finding) String() string { return f.where + ": " + f.what }

func rules() []rule {
	return []rule{
		{"layers", "imports go down only, so that what is below can be read, tested and reused without what is above", checkLayers},
		{"siblings", "what stands side by side can be changed and replaced alone", checkSiblings},
		{"variants", "only cmd says what is plugged in; everyone else knows the interface in the parent folder", checkVariants},
		{"two-way", "folders that need each other are one folder with a wall through it", checkTwoWay},
		{"depth", "a reader finds a package by guessing internal/NOUN/VARIANT", checkDepth},
		{"api", "other programs read and write declarations with api, and shouldn't get more than that", checkAPI},
		{"values", "a value that does I/O can't be tested by tables", checkValues},
		{"replace", "a replace line is ignored by everyone who requires or installs this module", checkReplace},
		{"docs", "a package says what it is for, what it is not for and what always holds, or its reader must guess", checkDocs},
		{"names", "a name that could hold anything soon does", checkNames},
		{"init", "what happens on import can't be seen, ordered, configured or tested", checkInit},
		{"variables", "state that everyone can reach makes tests depend on each other and hides who changes what", checkVariables},
		{"sleep", "a sleep is either too short or too long: wait for the event, or use testing/synctest", checkSleep},
		{"panic", "one App's fault must not end the others' daemon: return an error", checkPanic},
		{"length", "it is the tail of long functions that makes code unreadable, not the average", checkLength},
		{"complexity", "nobody holds that many cases in mind, and no table tests them all", checkComplexity},
		{"files", "a file is read from top to bottom; a longer one has two subjects", checkFiles},
		{"packages", "a package is one idea; a bigger one has several", checkPackages},
		{"parameters", "no call reads well with more: make a struct of what belongs together", checkParameters},
		{"interfaces", "the bigger the interface, the fewer can implement or fake it", checkInterfaces},
	}
}

// An exception lets one finding stand. It must say why, and is a failure itself once it excuses nothing.
type exception struct{ rule, where, what, why string }

func exceptions() []exception {
	return []exception{
		{
			"variables", "internal/render/kustomize/kustomize.go", "package variable library",
			"kustomize keeps state of its own for the whole process, so the lock on it must be one for the whole process too",
		},
	}
}

// excuse takes out what an exception is made for, and adds exceptions that were made for nothing.
func excuse(rule string, found []finding, list []exception) []finding {
	for _, e := range list {
		if e.rule != rule {
			continue
		}
		before := len(found)
		found = slices.DeleteFunc(found, func(f finding) bool {
			file, _, _ := strings.Cut(f.where, ":")
			return file == e.where && strings.HasPrefix(f.what, e.what)
		})
		if len(found) == before {
			found = append(found, finding{e.where, "an exception is made for \"" + e.what + "\", which isn't there"})
		}
	}
	return found
}

func TestHouse(t *testing.T) {
	repo, err := load(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.packages) == 0 {
		t.Fatal("no Go package found above this folder")
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range excuse(r.name, r.check(repo, houseLimits()), exceptions()) {
				t.Errorf("%s\n\twhy: %s", f, r.why)
			}
		})
	}
}

// TestRulesCanFail tries each rule on a small tree that breaks it in every way it knows, and on code beside it that looks similar but is fine. The
// file "want" lists what must be found, and nothing else may be. Sizes are those of toyLimits.
func TestRulesCanFail(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			repo, want := loadProof(t, r.name)
			var got []string
			for _, f := range r.check(repo, toyLimits()) {
				got = append(got, f.String())
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExceptions(t *testing.T) {
	found := []finding{{"a.go:3", "package variable x: no"}, {"a.go:4", "package variable y: no"}, {"b.go:3", "package variable x: no"}}
	list := []exception{
		{"variables", "a.go", "package variable x", "a reason"},
		{"variables", "b.go", "package variable z", "a reason that is gone"},
		{"sleep", "b.go", "package variable x", "another rule's"},
	}
	want := []finding{
		{"a.go:4", "package variable y: no"}, {"b.go:3", "package variable x: no"},
		{"b.go", "an exception is made for \"package variable z\", which isn't there"},
	}
	if diff := cmp.Diff(want, excuse("variables", found, list), cmp.AllowUnexported(finding{})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for _, e := range exceptions() {
		if e.why == "" {
			t.Errorf("the exception for %q in %s has no reason", e.what, e.where)
		}
	}
}

func toyLimits() limits {
	return limits{
		function: 4, longShare: 50, functionMost: 8, complexity: 4,
		file: 12, pkg: 16, parameters: 3, methods: 2, doc: 50,
	}
}

func loadProof(t *testing.T, name string) (repo *repository, want []string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/arch/" + name + ".txtar")
	if err != nil {
		t.Fatalf("the rule needs a proof that it can fail: %v", err)
	}
	tree, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := fs.ReadFile(tree, "want")
	if err != nil {
		t.Fatal(err)
	}
	want = strings.Split(strings.TrimSpace(string(wanted)), "\n")
	if len(want) == 0 || want[0] == "" {
		t.Fatal("the proof wants nothing to be found")
	}
	slices.Sort(want)
	repo, err = load(tree)
	if err != nil {
		t.Fatal(err)
	}
	return repo, want
}

// find is a finding at a place in a file, or in a folder when line is 0.
func find(path string, line int, format string, args ...any) finding {
	if line > 0 {
		path = fmt.Sprintf("%s:%d", path, line)
	}
	return finding{where: path, what: fmt.Sprintf(format, args...)}
}
