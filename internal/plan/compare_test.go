package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
)

func declared(t *testing.T, app string, manifests ...string) Declared {
	t.Helper()
	d := Declared{App: app}
	for _, m := range manifests {
		d.Objects = append(d.Objects, object.Object{Unstructured: &unstructured.Unstructured{Object: parse(t, m)}})
	}
	return d
}

func twoEnvironments(t *testing.T) Comparison {
	t.Helper()
	const web = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: NS, labels: {helm.sh/chart: shop-CHART},
		annotations: {plumb.dev/revision: NS, plumb.dev/prune: never}},
		spec: {replicas: N, template: {spec: {containers: [{name: web, image: "web:N"}], initContainers: [{name: init, image: "init:1"}]}}}}`
	const secret = `{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: NS, labels: {helm.sh/chart: shop-CHART}}, data: {same: c2FtZQ==, other: N}}`
	of := func(namespace, chart, n string) []string {
		r := strings.NewReplacer("NS", namespace, "CHART", chart, "N", n)
		return []string{r.Replace(web), r.Replace(secret)}
	}
	a := append(of("staging", "1.2.0", "3"), `{apiVersion: v1, kind: ConfigMap, metadata: {name: debug, namespace: staging}}`)
	b := append(of("production", "1.1.0", "2"), `{apiVersion: v1, kind: Namespace, metadata: {name: production}}`)
	return Compare(declared(t, "shop/staging", a...), declared(t, "shop/production", b...), redact.New([]byte("key")))
}

func TestCompare(t *testing.T) {
	t.Parallel()
	c := twoEnvironments(t)
	var got []string
	for _, list := range [][]Difference{c.Images, c.Charts, c.Fields} {
		for _, d := range list {
			got = append(got, d.Key.String()+" "+d.Path+" "+d.Name)
		}
		got = append(got, "")
	}
	want := []string{
		`Deployment/staging/web spec.template.spec.containers[name="web"].image web`, "",
		"Secret/staging/db metadata.labels.helm.sh/chart shop", "",
		"Secret/staging/db data.other ", "Deployment/staging/web spec.replicas ", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]object.Key{keyOf("ConfigMap", "staging", "debug")}, c.OnlyA); diff != "" {
		t.Errorf("only in the one (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]object.Key{keyOf("Namespace", "", "production")}, c.OnlyB); diff != "" {
		t.Errorf("only in the other (-want +got)\n%s", diff)
	}
	secret := c.Fields[0]
	if secret.A.Hidden == "" || secret.A.Hidden == secret.B.Hidden || secret.A.Content != nil {
		t.Errorf("a Secret's value is shown as %+v and %+v", secret.A, secret.B)
	}
	if c.Same() || !Compare(Declared{}, Declared{}, redact.Redactor{}).Same() {
		t.Error("it doesn't tell whether anything differs")
	}
}

func TestComparisonAsTable(t *testing.T) {
	t.Parallel()
	c := twoEnvironments(t)
	c.Fields[0].A.Hidden, c.Fields[0].B.Hidden = "<hidden 01>", "<hidden 02>"
	want := `                                shop/staging  shop/production
image  Deployment/web  web      web:3         web:2
chart  Secret/db  shop          shop-1.2.0    shop-1.1.0
field  Secret/db  data.other    <hidden 01>   <hidden 02>
field  Deployment/web  spec.replicas  3       2
`
	got := c.Text(View{})
	for line := range strings.Lines(want) {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(line), " ")) {
			t.Errorf("it lacks %q:\n%s", line, got)
		}
	}
	if !strings.Contains(got, "object  ConfigMap/debug") || strings.Contains(got, "\x1b") {
		t.Errorf("it is\n%s", got)
	}
	if same := (Comparison{A: "a", B: "b"}).Text(View{}); same != "a and b declare the same.\n" {
		t.Errorf("of two that are the same it says %q", same)
	}
}

func TestCompareMatchesSameNamesInSeveralNamespaces(t *testing.T) {
	t.Parallel()
	const cm = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: NS}, data: {v: V}}`
	of := func(pairs ...string) (all []string) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, strings.NewReplacer("NS", pairs[i], "V", pairs[i+1]).Replace(cm))
		}
		return all
	}
	c := Compare(declared(t, "a", of("y", "two", "x", "one")...), declared(t, "b", of("x", "one", "y", "two", "z", "three")...), redact.Redactor{})
	if len(c.Fields) > 0 || len(c.OnlyB) != 1 || c.OnlyB[0].Namespace != "z" {
		t.Errorf("it finds %+v", c)
	}
}
