package schema

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
)

func set(t testing.TB) *Set {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: nginx, ports: [{containerPort: 80}], resources: {limits: {cpu: 1, memory: 10Mi}},
         livenessProbe: {httpGet: {port: http, path: /}}, env: [{name: X, value: ""}]}
`

const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gauge, plural: gauges}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, maximum: 10, exclusiveMaximum: true}
              port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              labels: {type: object, additionalProperties: {type: string}}
              color: {type: string, enum: [red, blue], nullable: true}
  - {name: v0, served: false, storage: false}
`

func TestCheck(t *testing.T) {
	t.Parallel()
	s := set(t)
	if err := s.Add(object(t, crd)); err != nil {
		t.Fatal(err)
	}
	gauge := func(spec string) string {
		return "apiVersion: example.com/v1\nkind: Gauge\nmetadata: {name: g, labels: {a: b}}\nspec: " + spec + "\n"
	}
	change := func(from, to string) string { return strings.Replace(deployment, from, to, 1) }
	for name, c := range map[string]struct {
		object string
		want   []string
	}{
		"sound":                    {deployment, nil},
		"a field there is not":     {change("replicas: 2", "replica: 2"), []string{"spec.replica: there is no such field"}},
		"one deep down":            {change("image: nginx", "imagee: nginx"), []string{"spec.template.spec.containers[0].imagee: there is no such field"}},
		"a wrong type":             {change("replicas: 2", `replicas: "2"`), []string{"spec.replicas: is of type string and has to be of type integer"}},
		"missing":                  {change("  selector: {matchLabels: {app: web}}\n", ""), []string{"spec.selector: is missing"}},
		"null counts as absent":    {change("replicas: 2", "replicas: null"), nil},
		"a number as a name":       {change("value: \"\"", "value: 1"), []string{"spec.template.spec.containers[0].env[0].value: is of type number and has to be of type string"}},
		"a port that is neither":   {change("port: http", "port: {}"), []string{"spec.template.spec.containers[0].livenessProbe.httpGet.port: has to be a integer or a string"}},
		"annotations of numbers":   {change("{name: web}\nspec", "{name: web, annotations: {a: 1}}\nspec"), []string{"metadata.annotations.a: is of type number and has to be of type string"}},
		"custom: sound":            {gauge("{size: 3, port: http, free: {any: [1]}, labels: {x: z}, color: null}"), nil},
		"custom: missing":          {gauge("{}"), []string{"spec.size: is missing"}},
		"custom: out of bounds":    {gauge("{size: 10}"), []string{"spec.size: exclusiveMaximum: got 10, want 10"}},
		"custom: unknown":          {gauge("{size: 1, colour: red}"), []string{"spec.colour: there is no such field"}},
		"custom: not one of those": {gauge("{size: 1, color: green}"), []string{"spec.color: has to be one of red, blue"}},
		"custom: neither":          {gauge("{size: 1, port: true}"), []string{"spec.port: is of type boolean and has to be of type integer or string"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, known, err := s.Check(object(t, c.object))
			if err != nil || !known {
				t.Fatal(known, err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Path()+": "+p.Message)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, known, err := s.Check(object(t, "apiVersion: example.com/v0\nkind: Gauge")); known || err != nil {
		t.Error("a version that isn't served is known", err)
	}
	if !s.Namespaced(schema.GroupKind{Group: "apps", Kind: "Deployment"}) || s.Namespaced(schema.GroupKind{Kind: "Node"}) {
		t.Error("what lives in namespaces is mixed up")
	}
	if v := s.Versions(schema.GroupKind{Group: "example.com", Kind: "Gauge"}); !slices.Equal(v, []string{"v1"}) {
		t.Error(v)
	}
}

// TestSecretsAreNotTold: what is wrong with a Secret tells no value.
func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	problems, _, err := set(t).Check(object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {canary-key: 12345, x: [canary]}\ntype: 7\n"))
	if err != nil || len(problems) != 3 {
		t.Fatal(problems, err)
	}
	for _, p := range problems {
		if strings.Contains(p.Message, "12345") || strings.Contains(p.Message, "canary") {
			t.Error(p)
		}
	}
}

// TestRealManifests: what real projects apply passes.
func TestRealManifests(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "inputs")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real manifests aren't beside this repository")
	}
	s := set(t)
	var all []*unstructured.Unstructured
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".yaml" || strings.Contains(path, "templates") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for d, err := range manifest.Read(path, content) {
			if err != nil || d.Check() != nil {
				continue
			}
			o := d.Object()
			if o.GetKind() == "CustomResourceDefinition" {
				if err := s.Add(o.Unstructured); err != nil {
					t.Error(path, err)
				}
			}
			all = append(all, o.Unstructured)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, o := range all {
		problems, known, err := s.Check(o)
		if err != nil {
			t.Error(o.GetKind(), o.GetName(), err)
		}
		if known {
			checked++
		}
		for _, p := range problems {
			t.Logf("%s %s: %s: %s", o.GetKind(), o.GetName(), p.Path(), p.Message)
		}
	}
	t.Logf("%d of %d objects have a schema", checked, len(all))
}

func BenchmarkCheck(b *testing.B) {
	s := set(b)
	o := object(b, deployment)
	for b.Loop() {
		if _, _, err := s.Check(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		set(b)
	}
}
