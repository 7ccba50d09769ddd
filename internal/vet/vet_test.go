package vet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
	"plumb.dev/plumb/internal/vet"
)

// apps declares Apps of folders, by name.
func apps(folders ...string) vet.Declared {
	var d vet.Declared
	for i, folder := range folders {
		app := v1alpha1.App{}
		app.Name, app.Namespace = folder, "team"
		app.Spec.Source.Path, app.Spec.Target.Namespace = folder, "web"
		d.Apps = append(d.Apps, vet.App{App: v1alpha1.Default(app), Origin: object.Origin{File: "apps.yaml", Line: i + 1}, Here: true})
	}
	return d
}

func checker(d vet.Declared, keys *secret.Keys) vet.Checker {
	return vet.Checker{
		Renderer: render.Set{kustomize.Renderer{}, helm.New(), plain.Renderer{}}, Opener: sops.Opener{Keys: keys}, Keys: keys != nil,
		Declares: func(context.Context, tree.Tree, string) (vet.Declared, error) { return d, nil },
	}
}

const (
	cm      = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
	gauge   = "apiVersion: example.com/v1\nkind: Gauge\nmetadata: {name: g}\nspec: {size: big}\n"
	gaugeIs = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gauges.example.com}\nspec:\n" +
		"  group: example.com\n  scope: Cluster\n  names: {kind: Gauge, plural: gauges, singular: gauge, listKind: GaugeList}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n" +
		"    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}\n"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	sealed, err := os.ReadFile("../secret/sops/testdata/sealed/secret.yaml")
	if err != nil {
		t.Fatal(err)
	}
	withSet := func(folder string, change func(*v1alpha1.App)) vet.Declared {
		d := apps(folder)
		change(&d.Apps[0].App)
		return d
	}
	for name, c := range map[string]struct {
		files    map[string]string
		declared vet.Declared
		want     []string
	}{
		"nothing wrong": {map[string]string{"a/c.yaml": cm}, apps("a"), nil},
		"not rendered":  {map[string]string{"a/c.yaml": "a: ["}, apps("a"), []string{"a/c.yaml:1: error: "}},
		"a field":       {map[string]string{"a/c.yaml": cm + "extra: 1\n"}, apps("a"), []string{"a/c.yaml:5: error: ConfigMap/c: extra: there is no such field (App team/a)"}},
		"a field that a base declares": {
			map[string]string{"a/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [c.yaml]\n", "base/c.yaml": cm + "extra: 1\n"},
			apps("a"), []string{"base/c.yaml:5: error: ConfigMap/c: extra: there is no such field"},
		},
		"a rule of a CRD": {
			map[string]string{"a/g.yaml": strings.Replace(gauge, "big", "12", 1), "a/crd.yaml": strings.Replace(gaugeIs, "type: integer", "type: integer, x-kubernetes-validations: [{rule: self < 10, message: is above ten}]", 1)},
			apps("a"), []string{"a/g.yaml:4: error: Gauge/g: spec.size: is above ten (App team/a)"},
		},
		"a rule that the cluster's values may keep": {
			map[string]string{
				"a/g.yaml": strings.Replace(gauge, "size: big", "text: 'x${NAME}'", 1),
				"a/crd.yaml": strings.Replace(gaugeIs, "type: object, properties: {size: {type: integer}}",
					"type: object, x-kubernetes-validations: [{rule: self.text == 'xy', message: is not xy}], properties: {text: {type: string}}", 1),
			}, withSet("a", func(a *v1alpha1.App) {
				a.Spec.Render.Substitute = &v1alpha1.Substitute{From: []v1alpha1.Given{{Kind: "ConfigMap", Name: "c"}}}
			}), []string{"apps.yaml:1: warning: takes values from ConfigMap/web/c in the cluster"},
		},
		"no schema":            {map[string]string{"a/g.yaml": gauge}, apps("a"), []string{"a/g.yaml:1: warning: Gauge/g: there is no schema for Gauge of example.com/v1"}},
		"a CRD in another App": {map[string]string{"a/g.yaml": gauge, "b/crd.yaml": gaugeIs}, apps("a", "b"), []string{"a/g.yaml:4: error: Gauge/g: spec.size: is of type string"}},
		"a CRD in a file":      {map[string]string{"a/g.yaml": gauge, "docs/crd.yaml": gaugeIs}, apps("a"), []string{"a/g.yaml:4: error: "}},
		"a kind that is gone":  {map[string]string{"a/i.yaml": "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: i}\n"}, apps("a"), []string{"a/i.yaml:1: error: Ingress/i: Kubernetes 1.36"}},
		"a version that is gone": {
			map[string]string{"a/i.yaml": "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: i}\n"}, apps("a"),
			[]string{"a/i.yaml:1: error: PodDisruptionBudget/i: there is no PodDisruptionBudget in version v1beta1; it is known in v1"},
		},
		"what rendering has to say": {
			map[string]string{"a/kustomization.yaml": "resources: [c.yaml]\ncommonLabels: {a: b}\n", "a/c.yaml": cm}, apps("a"),
			[]string{"a/kustomization.yaml:2: warning: commonLabels is outdated, and a later kustomize will refuse it: use labels"},
		},
		"a variable that nothing replaces": {
			map[string]string{"a/d.yaml": deploymentOf("${REPLICAS}")}, apps("a"),
			[]string{"a/d.yaml:5: error: Deployment/d: spec.replicas: has ${REPLICAS}, which spec.render.substitute of an App would replace; as it stands, it is of type string"},
		},
		"a hook that there is not": {
			map[string]string{"a/c.yaml": strings.Replace(cm, "{name: c}", "{name: c, annotations: {argocd.argoproj.io/hook: PreSyncc}}", 1)}, apps("a"),
			[]string{"a/c.yaml:1: warning: ConfigMap c: "},
		},
		"twice": {map[string]string{"a/c.yaml": cm, "b/c.yaml": cm}, apps("a", "b"), []string{"b/c.yaml:1: error: ConfigMap/web/c: is declared by the App team/a too (a/c.yaml:1)"}},
		"twice, of no namespace": {
			map[string]string{"a/n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, namespace: x}\n", "b/n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n"},
			apps("a", "b"), []string{"b/n.yaml:1: error: Namespace/ns: is declared by the App team/a too"},
		},
		"one release": {
			map[string]string{"a/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n"}, func() vet.Declared {
				d := apps("a", "a")
				d.Apps[1].App.Name = "b"
				for i := range d.Apps {
					d.Apps[i].App.Spec.Render.Helm = &v1alpha1.Helm{ReleaseName: "same"}
					d.Apps[i].App = v1alpha1.Default(d.Apps[i].App)
				}
				return d
			}(), []string{"apps.yaml:2: error: is the Helm release same in the namespace web, and so is the App team/a (apps.yaml:1)"},
		},
		"from elsewhere": {
			nil, withSet("a", func(a *v1alpha1.App) {
				a.Spec.Source.Chart = &v1alpha1.Chart{Repository: "https://charts.example.com", Name: "web", Version: "1.x"}
			}), []string{"apps.yaml:1: warning: is not checked: "},
		},
		"values of the cluster": {
			map[string]string{"a/c.yaml": strings.Replace(cm, "a: b", "a: \"x${NAME}\"", 1)}, withSet("a", func(a *v1alpha1.App) {
				a.Spec.Render.Substitute = &v1alpha1.Substitute{From: []v1alpha1.Given{{Kind: "Secret", Name: "s"}}}
			}), []string{"apps.yaml:1: warning: takes values from Secret/web/s in the cluster"},
		},
		"a number of the cluster": {
			map[string]string{"a/d.yaml": deploymentOf("${REPLICAS}")}, withSet("a", func(a *v1alpha1.App) {
				a.Spec.Render.Substitute = &v1alpha1.Substitute{From: []v1alpha1.Given{{Kind: "ConfigMap", Name: "c"}}}
			}), []string{"apps.yaml:1: warning: takes values from ConfigMap/web/c in the cluster"},
		},
		"no number of the cluster": {
			map[string]string{"a/d.yaml": deploymentOf("many")}, withSet("a", func(a *v1alpha1.App) {
				a.Spec.Render.Substitute = &v1alpha1.Substitute{From: []v1alpha1.Given{{Kind: "ConfigMap", Name: "c"}}}
			}), []string{"a/d.yaml:5: error: Deployment/d: spec.replicas: is of type string and has to be of type integer", "apps.yaml:1: warning: takes values"},
		},
		"encrypted":             {map[string]string{"a/secret.yaml": string(sealed)}, apps("a"), []string{"a/secret.yaml: warning: is encrypted, and what it holds is not checked"}},
		"a broken declaration":  {nil, vet.Declared{Problems: []vet.Problem{{Origin: object.Origin{File: "x.yaml", Line: 3}, Message: "is wrong"}}}, []string{"x.yaml:3: error: is wrong"}},
		"in another repository": {nil, func() vet.Declared { d := apps("a"); d.Apps[0].Here = false; return d }(), []string{"apps.yaml:1: warning: its manifests are in another repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := checker(c.declared, nil).Check(t.Context(), treetest.New(c.files), "")
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Findings) != len(c.want) {
				t.Fatalf("got %v", r.Findings)
			}
			for i, f := range r.Findings {
				if !strings.HasPrefix(f.String(), c.want[i]) {
					t.Errorf("got  %s\nwant %s", f, c.want[i])
				}
			}
		})
	}
}

// TestAFolder: where nothing is declared, the folder itself is what is checked.
func TestAFolder(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"a/c.yaml": cm, "b/c.yaml": "kind: ["})
	r, err := checker(vet.Declared{}, nil).Check(t.Context(), files, "a")
	if err != nil || len(r.Findings) > 0 || r.Objects != 1 || r.Apps != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestAnotherToolsRepository: what others would render of it is rendered piece by
// piece, and what isn't for Kubernetes is passed over.
func TestAnotherToolsRepository(t *testing.T) {
	t.Parallel()
	wrong := strings.Replace(cm, "\ndata:", "\ndat:", 1)
	files := treetest.New(map[string]string{
		".github/workflows/ci.yaml":            "on: push\n",
		"docker-compose.yaml":                  "services: {web: {image: x}}\n",
		"renovate.json":                        "{}\n",
		"kind.yaml":                            "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n",
		"bootstrap/templates/c.yaml":           "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n{{- if .X }}\ndat: {}\n{{- end }}\n",
		"clusters/eu/apps.yaml":                wrong,
		"clusters/us/apps.yaml":                wrong,
		"apps/base/kustomization.yaml":         "resources: [c.yaml]\n",
		"apps/base/c.yaml":                     wrong,
		"apps/base/values.yaml":                "a: b\n",
		"apps/eu/kustomization.yaml":           "resources: [../base]\npatches: [{path: patch.yaml}]\n",
		"apps/eu/patch.yaml":                   cm,
		"apps/us/kustomization.yaml":           "resources: [../base, gone.yaml]\n",
		"apps/us/d.yaml":                       deploymentOf("${REPLICAS}"),
		"components/alerts/kustomization.yaml": "kind: Component\nresources: [gone.yaml]\n",
		"jobs/d.yaml":                          deploymentOf("${REPLICAS}"),
		"charts/web/Chart.yaml":                "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"charts/web/values.yaml":               "a: b\n",
		"charts/web/templates/c.yaml":          "{{ required \"give it a name\" .Values.name }}\n",
	})
	r, err := checker(vet.Declared{}, nil).Check(t.Context(), files, ".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.String())
	}
	want := []string{
		"apps/base/c.yaml:4: error: ConfigMap/c: dat: there is no such field",
		"apps/us/kustomization.yaml:1: error: resources: apps/us/gone.yaml: not in the repository; add it, or correct the path",
		"charts/web/templates/c.yaml:1: warning: is not checked: with the chart's own values alone, execution error at (charts/web/templates/c.yaml:1): give it a name",
		"clusters/eu/apps.yaml:4: error: ConfigMap/c: dat: there is no such field",
		"clusters/us/apps.yaml:4: error: ConfigMap/c: dat: there is no such field",
		"jobs/d.yaml:5: warning: Deployment/d: spec.replicas: has ${REPLICAS}, which spec.render.substitute of an App would replace; as it stands, it is of type string and has to be of type integer",
	}
	if diff := cmp.Diff(want, got); diff != "" || r.Apps != 6 {
		t.Errorf("%d renders\n%s", r.Apps, diff)
	}
}

// TestASecretThatCanNotBeOpened: with keys, it is a mistake.
func TestASecretThatCanNotBeOpened(t *testing.T) {
	t.Parallel()
	sealed, err := os.ReadFile("../secret/sops/testdata/sealed/secret.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := checker(apps("a"), &secret.Keys{}).Check(t.Context(), treetest.New(map[string]string{"a/secret.yaml": string(sealed)}), "")
	if err != nil || r.Count(vet.Error) != 1 || r.Findings[0].Rule != vet.Secret || r.Findings[0].File != "a/secret.yaml" {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestSARIF: each finding has its rule and place.
func TestSARIF(t *testing.T) {
	t.Parallel()
	key := object.Key{Kind: "ConfigMap", Name: "c"}
	var b bytes.Buffer
	err := vet.SARIF(&b, vet.Report{Findings: []vet.Finding{
		{Level: vet.Error, Rule: vet.Schema, File: "a b/c.yaml", Line: 5, App: "x/y", Object: &key, Field: "extra", Message: "there is no such field"},
		{Level: vet.Warning, Rule: vet.Fetch, Message: "is not checked"},
	}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID string }
				}
			}
			Results []json.RawMessage
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var first bytes.Buffer
	if err := json.Compact(&first, got.Runs[0].Results[0]); err != nil {
		t.Fatal(err)
	}
	const want = `{"ruleId":"schema","level":"error","message":{"text":"ConfigMap/c: extra: there is no such field (App x/y)"},` +
		`"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a%20b/c.yaml"},"region":{"startLine":5}}}]}`
	if diff := cmp.Diff(want, first.String()); diff != "" {
		t.Error(diff)
	}
	if got.Version != "2.1.0" || len(got.Runs[0].Results) != 2 || len(got.Runs[0].Tool.Driver.Rules) != len(vet.Rules()) {
		t.Errorf("got %+v", got)
	}
}

// deploymentOf is a Deployment of so many replicas.
func deploymentOf(replicas string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: " + replicas +
		"\n  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}\n"
}
