package health

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/status"
)

// builtinFiles are all files of rules, by name without the ending.
func builtinFiles(t testing.TB) map[string]ruleFile {
	t.Helper()
	names, err := fs.Glob(ruleFiles, "rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]ruleFile{}
	for _, name := range names {
		text, err := fs.ReadFile(ruleFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		var file ruleFile
		if err := yaml.UnmarshalStrict(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files[strings.TrimSuffix(path.Base(name), ".yaml")] = file
	}
	return files
}

func TestBuiltinRulesAreSound(t *testing.T) {
	t.Parallel()
	l, err := newLanguage()
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range builtinFiles(t) {
		if file.Of == "" || len(file.Rules) == 0 {
			t.Errorf("%s: who it is of and its rules are missing", name)
		}
		for _, b := range file.Rules {
			at := name + ": " + strings.Join(b.Kinds, ", ")
			if b.Words == "" || len(b.Kinds) == 0 {
				t.Errorf("%s: the kinds or the words are missing", at)
			}
			for _, pattern := range b.Kinds {
				if _, err := path.Match(pattern, "X"); err != nil {
					t.Errorf("%s: %v", at, err)
				}
			}
			for _, q := range questions(b.rule()) {
				if q.text == "" {
					continue
				}
				if _, err := l.compile(q.text, cel.BoolType); err != nil {
					t.Errorf("%s: %s: %v", at, q.field, err)
				}
			}
			if b.Message != "" {
				if _, err := l.compile(b.Message, cel.StringType); err != nil {
					t.Errorf("%s: message: %v", at, err)
				}
			}
			if (b.Otherwise == "") == (b.Healthy == "") && b.Otherwise != "kstatus" {
				t.Errorf("%s: nothing says when it is healthy", at)
			}
		}
	}
}

// sample is an object as its controller leaves it, and the verdict on it.
type sample struct {
	Case   string         `json:"case"`
	Want   status.Health  `json:"want"`
	Says   string         `json:"says"`
	Object map[string]any `json:"object"`
}

func samples(t testing.TB, file string) (list []sample) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var s sample
		if err := yaml.UnmarshalStrict(document, &s); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, document)
		}
		b, err := json.Marshal(s.Object) // numbers as the API client reads them
		if err == nil {
			err = json.Unmarshal(b, &s.Object)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// Each expression of each built-in rule decides about some object of testdata/rules,
// each kind that a rule names has one, and one without a status is never well
// where a status is waited for.
func TestBuiltinRules(t *testing.T) {
	t.Parallel()
	for name, file := range builtinFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := samples(t, "testdata/rules/"+name+".yaml")
			met := map[string]bool{} // KIND, and INDEX/VERDICT
			for _, s := range list {
				judgeSample(t, s)
				o := &unstructured.Unstructured{Object: s.Object}
				i := slices.IndexFunc(file.Rules, func(b builtinRule) bool { return b.isFor(o.GetKind()) })
				if i < 0 {
					t.Errorf("%s: no rule is for a %s", s.Case, o.GetKind())
					continue
				}
				met[o.GetKind()] = true
				met[strings.Join(file.Rules[i].Kinds, ",")+"/"+string(s.Want)] = true
				if b := file.Rules[i]; b.Healthy != "true" && b.Progressing != "" && name != anyGroup {
					withoutStatus(t, s)
				}
			}
			for _, b := range file.Rules {
				demandSamples(t, b, met)
			}
		})
	}
}

func judgeSample(t *testing.T, s sample) {
	t.Helper()
	got := NewJudge().Of("", &unstructured.Unstructured{Object: s.Object})
	if got.Health != s.Want || !strings.Contains(got.Message, s.Says) {
		t.Errorf("%s (%v): the verdict is %s (%q), want %s and to say %q", s.Case, s.Object["kind"], got.Health, got.Message, s.Want, s.Says)
	}
	if s.Want != status.Healthy && s.Want != status.Suspended && s.Says == "" {
		t.Errorf("%s: nothing is asked of the message %q", s.Case, got.Message)
	}
}

// withoutStatus judges an object that its controller has not looked at yet.
func withoutStatus(t *testing.T, s sample) {
	t.Helper()
	bare := &unstructured.Unstructured{Object: map[string]any{}}
	for name, value := range s.Object {
		if name != "status" {
			bare.Object[name] = value
		}
	}
	if s.Object["status"] == nil {
		return // it says itself what follows
	}
	if got := NewJudge().Of("", bare); got.Health != status.Progressing && got.Health != status.Suspended {
		t.Errorf("%s (%v): without a status it is %s (%q)", s.Case, s.Object["kind"], got.Health, got.Message)
	}
}

func demandSamples(t *testing.T, b builtinRule, met map[string]bool) {
	t.Helper()
	for _, kind := range b.Kinds {
		if !strings.ContainsAny(kind, "*[?") && !met[kind] {
			t.Errorf("there is no sample of a %s", kind)
		}
	}
	for _, q := range questions(b.rule()) {
		if q.text != "" && !met[strings.Join(b.Kinds, ",")+"/"+string(q.health)] {
			t.Errorf("there is no sample of %v that is %s", b.Kinds, q.health)
		}
	}
}

func TestGroupsAndTheirFiles(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]string{
		"": "Kubernetes", "apps": "Kubernetes", "cert-manager.io": "cert-manager", "acme.cert-manager.io": "cert-manager",
		"helm.toolkit.fluxcd.io": "Flux", "s3.aws.upbound.io": "Crossplane", "kubernetes.crossplane.io": "Crossplane", "pkg.crossplane.io": "Crossplane",
		"infrastructure.cluster.x-k8s.io": "Cluster API", "networking.internal.knative.dev": "Knative",
		"example.com": "", "io": "", "evil/../../etc": "", "toolkit.fluxcd.io.example.com": "", "..": "",
	} {
		file, err := rulesOf(group)
		if file.Of != want || (err == nil) != (want != "") {
			t.Errorf("the rules of %q are of %q (%v), want %q", group, file.Of, err, want)
		}
	}
	for _, gk := range []schema.GroupKind{{Group: "cert-manager.io", Kind: "Nonsense"}, {Group: "example.com", Kind: "Gear"}} {
		if r := NewJudge().ruleFor(gk); r != nil {
			t.Errorf("there is a rule for %s", gk)
		}
	}
}
