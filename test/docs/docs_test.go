// Package docs_test holds the documents for users to the code: each field,
// default, series and state that there is is described, nothing else is, and
// the examples are sound. The commands in them are run in package hostile.
package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/credentials"
	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/status"
)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// rows are the cells of the tables' rows, by their first, which is code.
func rows(text string) map[string][]string {
	found := map[string][]string{}
	for _, line := range regexp.MustCompile("(?m)^\\| `([^`|]+)` \\|(.*)\\|$").FindAllStringSubmatch(text, -1) {
		cells := strings.Split(line[2], "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		found[line[1]] = cells
	}
	return found
}

// section is what stands below a heading, up to the next of its rank.
func section(text, heading string) string {
	_, below, _ := strings.Cut(text, "\n"+heading+"\n")
	rank, _, _ := strings.Cut(heading, " ")
	section, _, _ := strings.Cut(below, "\n"+rank+" ")
	return section
}

func compare(t *testing.T, what string, code, documented []string) {
	t.Helper()
	slices.Sort(code)
	slices.Sort(documented)
	if len(code) == 0 {
		t.Errorf("%s: the code has none", what)
	}
	if diff := cmp.Diff(code, documented); diff != "" {
		t.Errorf("%s (-code +documented):\n%s", what, diff)
	}
}

// TestAppFields compares docs/app.md with the types, names and defaults.
func TestAppFields(t *testing.T) {
	t.Parallel()
	documented := rows(section(read(t, "docs/app.md"), "## Fields"))
	fields := []string{"metadata.name", "metadata.namespace", "spec"}
	fields = append(fields, fieldsBelow("", reflect.TypeFor[v1alpha1.AppSpec]())...)
	fields = slices.DeleteFunc(fields, func(f string) bool { // which have a heading
		return slices.Contains([]string{"source", "render", "target", "sync", "health", "dependsOn", "ignore", "sensitive"}, f)
	})
	fields = slices.DeleteFunc(fields, func(f string) bool { // as those of the source itself, and of kustomize
		return strings.HasPrefix(f, "source.with[].git.") || strings.HasPrefix(f, "source.with[].chart.") ||
			strings.HasPrefix(f, "render.helm.patches[]") || strings.HasPrefix(f, "render.helm.images[]") ||
			f == "render.substitute.from[].key" || f == "render.substitute.from[].at" // which are refused there
	})
	compare(t, "docs/app.md", fields, slices.Collect(maps.Keys(documented)))

	ofProjects := []string{"metadata.name", "metadata.namespace", "spec"}
	ofProjects = append(ofProjects, fieldsBelow("", reflect.TypeFor[v1alpha1.ProjectSpec]())...)
	ofProjects = slices.DeleteFunc(ofProjects, func(f string) bool { return strings.HasPrefix(f, "windows[]") }) // as an App's
	compare(t, "docs/app.md, The Project", ofProjects, slices.Collect(maps.Keys(rows(section(read(t, "docs/app.md"), "## The Project")))))

	app := v1alpha1.App{}
	app.Spec.Render = v1alpha1.Render{Plain: &v1alpha1.Plain{}, Helm: &v1alpha1.Helm{}, Substitute: &v1alpha1.Substitute{}}
	b, err := json.Marshal(v1alpha1.Default(app))
	if err != nil {
		t.Fatal(err)
	}
	var defaults struct {
		Metadata, Spec map[string]any
	}
	if err := json.Unmarshal(b, &defaults); err != nil {
		t.Fatal(err)
	}
	for field, cells := range documented {
		value, told := at(defaults.Spec, field), strings.Trim(cells[0], "`")
		switch field {
		case "sync.allowEmpty":
			value = app.Spec.Sync.AllowEmpty
		case "sync.approval.notAuthor":
			value = app.Spec.Sync.Approval.NotAuthor
		case "sync.windows[].corrections":
			value = v1alpha1.Window{}.Corrections
		case "sync.windows[].timeZone":
			value = v1alpha1.DefaultTimeZone
		}
		if cells[0] != "`"+told+"`" || told == "" || strings.HasPrefix(field, "metadata.") {
			continue
		}
		if fmt.Sprint(value) != told {
			t.Errorf("docs/app.md says that %s is %s by default, and it is %v", field, told, value)
		}
	}
}

// at is a value by its path.
func at(values map[string]any, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return values[name]
	}
	below, _ := values[name].(map[string]any)
	return at(below, rest)
}

// fieldsBelow are the paths of all fields of a type, [] for elements of a list.
func fieldsBelow(path string, t reflect.Type) (fields []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
			path += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[metav1.Duration]() {
		return nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		below := strings.TrimPrefix(path+"."+name, ".")
		fields = append(fields, below)
		fields = append(fields, fieldsBelow(below, f.Type)...)
	}
	return fields
}

// TestAppExamples reads each example as the daemon would.
func TestAppExamples(t *testing.T) {
	t.Parallel()
	examples := fenced(read(t, "docs/app.md"), "yaml")
	if len(examples) < 4 {
		t.Fatalf("docs/app.md has only %d examples", len(examples))
	}
	for _, example := range fenced(read(t, "docs/charts.md")+read(t, "docs/kustomize.md"), "yaml") {
		if strings.HasPrefix(example, "apiVersion: ") {
			examples = append(examples, example)
		}
	}
	for _, example := range examples {
		for d, err := range manifest.Read("docs/app.md", []byte(example)) {
			if err != nil {
				t.Errorf("%v\n%s", err, example)
				continue
			}
			_, wrong := v1alpha1.Decode(d.Value)
			if d.Value["kind"] == v1alpha1.KindProject {
				_, wrong = v1alpha1.DecodeProject(d.Value)
			}
			if len(wrong) > 0 {
				t.Errorf("%v\n%s", wrong, example)
			}
		}
	}
}

func fenced(text, language string) (blocks []string) {
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// TestCredentials tries the examples of docs/git.md and docs/charts.md, and each field.
func TestCredentials(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/git.md")
	for page, examples := range map[string][]string{"docs/git.md": fenced(text, "yaml"), "docs/charts.md": fenced(section(read(t, "docs/charts.md"), "## Credentials"), "yaml")} {
		file := filepath.Join(t.TempDir(), "credentials.yaml")
		if err := os.WriteFile(file, []byte(examples[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := credentials.Load(file); err != nil {
			t.Errorf("the example of %s: %v", page, err)
		}
	}
	var code []string
	for _, m := range regexp.MustCompile(`"(\w+)":\s+&(?:e\.|url|writes)`).FindAllStringSubmatch(read(t, "internal/credentials/file.go"), -1) {
		code = append(code, m[1])
	}
	documented := rows(section(text, "## Credentials"))
	maps.DeleteFunc(documented, func(field string, _ []string) bool { return strings.Contains(field, "-") })
	compare(t, "docs/git.md, Credentials", code, slices.Collect(maps.Keys(documented)))
}

// TestStates compares the states of docs/git.md with the words of git.Outcome.
func TestStates(t *testing.T) {
	t.Parallel()
	_, outcome, _ := strings.Cut(read(t, "internal/git/errors.go"), "\nfunc Outcome(")
	outcome, _, _ = strings.Cut(outcome, "\n}\n")
	code := map[string]bool{git.Outcome(fmt.Errorf("any other")): true}
	for _, m := range regexp.MustCompile(`\{[\w.]+, "(\w+)"\}`).FindAllStringSubmatch(outcome, -1) {
		code[m[1]] = true
	}
	compare(t, "docs/git.md, States", slices.Collect(maps.Keys(code)), slices.Collect(maps.Keys(rows(section(read(t, "docs/git.md"), "## States")))))
}

// TestStatesOfCharts compares the states of docs/charts.md with the words of registry.Outcome.
func TestStatesOfCharts(t *testing.T) {
	t.Parallel()
	_, outcome, _ := strings.Cut(read(t, "internal/registry/errors.go"), "\nfunc Outcome(")
	outcome, _, _ = strings.Cut(outcome, "\n}\n")
	code := []string{registry.Outcome(fmt.Errorf("any other"))}
	for _, m := range regexp.MustCompile(`\{[\w.]+, "(\w+)"\}`).FindAllStringSubmatch(outcome, -1) {
		code = append(code, m[1])
	}
	compare(t, "docs/charts.md, States", code, slices.Collect(maps.Keys(rows(section(read(t, "docs/charts.md"), "## States")))))
}

// TestMetrics compares docs/metrics.md with the series: names, types and labels.
func TestMetrics(t *testing.T) {
	t.Parallel()
	served := exercised(t)
	var inCode []string
	for _, file := range []string{"internal/daemon/metrics.go", "internal/daemon/standing.go"} {
		for _, m := range regexp.MustCompile(`"(plumb_\w+)"`).FindAllStringSubmatch(read(t, file), -1) {
			inCode = append(inCode, m[1])
		}
	}
	compare(t, "the series that this test makes", inCode, slices.Collect(maps.Keys(served)))
	documented := map[string]string{}
	for name, cells := range rows(section(read(t, "docs/metrics.md"), "## Series")) {
		documented[name] = cells[0] + " " + strings.NewReplacer("`", "", " ", "").Replace(cells[1])
	}
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("docs/metrics.md (-served +documented):\n%s", diff)
	}
}

// TestAlerts compares the alerts of docs/metrics.md with the rules, and what
// these ask for with the series that there are. That they work is tested in
// dev/prometheus.
func TestAlerts(t *testing.T) {
	t.Parallel()
	rules := read(t, "deploy/alerts/plumb.rules.yaml")
	var alerts []string
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		alerts = append(alerts, m[1])
	}
	compare(t, "docs/metrics.md, Alerts", alerts, slices.Collect(maps.Keys(rows(section(read(t, "docs/metrics.md"), "## Alerts")))))
	served, asked := exercised(t), 0
	for _, name := range regexp.MustCompile(`\bplumb_\w+`).FindAllString(rules, -1) {
		asked++
		if _, known := served[name]; !known {
			t.Errorf("the rules ask for %s, which there isn't", name)
		}
	}
	for _, m := range regexp.MustCompile(`(\w+)\{(\w+)[!=]`).FindAllStringSubmatch(rules, -1) {
		_, labels, _ := strings.Cut(served[m[1]], " ")
		if !slices.Contains(strings.Split(labels, ","), m[2]) {
			t.Errorf("the rules ask for %s by %s; its labels are %s", m[1], m[2], labels)
		}
	}
	if asked == 0 {
		t.Error("the rules ask for nothing")
	}
}

// exercised are the type and the labels of each series, once something happened
// of everything that is counted.
func exercised(t *testing.T) map[string]string {
	t.Helper()
	m := daemon.NewMetrics()
	now := time.Now()
	m.Released(release.Release{App: "a/b", Trigger: release.TriggerCommit, Outcome: release.Succeeded, Seen: now, Applied: now})
	m.Rendered(time.Second, false, nil)
	m.Corrected("a/b", 1)
	m.Missed("a/b", 1)
	m.Panicked("a/b")
	m.WorkerEnded("time")
	m.Fetched(time.Second, "ok")
	m.Hooked("refreshed")
	m.Requested("GET", 200, time.Second)
	m.Said(false, nil)
	app := status.App{
		Name: "b", Namespace: "a", Sync: status.Synced, Health: status.Healthy, Failures: 1, Alerts: 1, DriftSince: now,
		Hold: &gate.Hold{Reason: gate.HeldByPause}, Plan: &status.PendingPlan{MadeAt: now}, Pauses: []gate.Pause{{App: "a/b", Since: now, Until: now}},
	}
	m.Watch(daemon.Standing{
		Apps: func() []status.App { return []status.App{app} }, Waiting: func() int { return 0 },
		Ready: func(context.Context) []server.Check { return []server.Check{{Name: "root"}} },
		Key:   func() (status.Key, bool) { return status.Key{}, true },
	})
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	text := answer.Body.String()
	served := map[string]string{}
	for _, declared := range regexp.MustCompile(`(?m)^# TYPE (plumb_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		sample := regexp.MustCompile(`(?m)^` + declared[1] + `(?:_count)?(?:\{(.*)\})? `).FindStringSubmatch(text)
		if sample == nil {
			t.Fatalf("%s has no sample", declared[1])
		}
		var labels []string
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[1], -1) {
			labels = append(labels, label[1])
		}
		served[declared[1]] = declared[2] + " " + strings.Join(inOrder(labels), ",")
	}
	return served
}

// inOrder are labels in the order that people read them in.
func inOrder(labels []string) []string {
	order := []string{"scope", "app", "reason", "check", "sync", "health", "trigger", "verb", "code", "outcome", "phase", "result"}
	slices.SortFunc(labels, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	return labels
}
