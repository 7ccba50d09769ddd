package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/rendertest"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

const charts = "https://charts.example.com"

// need is what a dependency of the test repository comes to.
func need(name, version string) render.Need {
	return render.Need{Chart: &v1alpha1.Chart{Repository: charts, Name: name, Version: version}}
}

// fetched is a fetched chart of one Secret, which depends on others.
func fetched(name, version, dependencies string) map[string]string {
	return map[string]string{
		"Chart.yaml":       fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n%s", name, version, dependencies),
		"values.yaml":      "a: own\n",
		"templates/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Chart.Name }}-{{ .Chart.Version }}}\nstringData: {a: {{ .Values.a }}}\n",
	}
}

func dependencies(lines ...string) string {
	return "dependencies:\n- " + strings.Join(lines, "\n- ") + "\n"
}

func worked(files map[string]string, mounts map[string]map[string]string, change ...func(*render.Work)) render.Work {
	t := treetest.New(files)
	others := map[string]tree.Tree{}
	for name, content := range mounts {
		others[name] = treetest.New(content)
	}
	app := v1alpha1.App{}
	app.Name, app.Namespace = "web", "team-a"
	w := render.Work{Files: t.Mount(others), Path: "c", Params: v1alpha1.Default(app).Spec.Render}
	for _, c := range change {
		c(&w)
	}
	return w
}

// What a chart depends on is asked for once for each version, whoever depends
// on it; what is there is rendered, and the rest named.
func TestRemoteDependencies(t *testing.T) {
	t.Parallel()
	declared := in(configMap("x"), map[string]string{"c/Chart.yaml": chartYAML + dependencies(
		"{name: one, version: 1.x, repository: '"+charts+"'}", "{name: one, version: 1.x, repository: '"+charts+"', alias: again}",
		"{name: two, version: ^2, repository: '"+charts+"'}", "{name: vendored, version: 9.x, repository: '"+charts+"'}",
	), "c/charts/vendored/Chart.yaml": "apiVersion: v2\nname: vendored\nversion: 9.0.0\n"})
	one, two, deep := need("one", "1.x"), need("two", "^2"), need("deep", ">0")
	first := fetched("one", "1.4.0", dependencies("{name: deep, version: '>0', repository: '"+charts+"'}"))
	for name, test := range map[string]struct {
		mounts  map[string]map[string]string
		missing []render.Need
		needs   []render.Need
		objects string
	}{
		"nothing is there":  {nil, []render.Need{one, two}, []render.Need{one, two}, ""},
		"one, that depends": {map[string]map[string]string{one.Mount(): first}, []render.Need{deep, two}, []render.Need{one, deep, two}, ""},
		"all": {
			map[string]map[string]string{one.Mount(): first, two.Mount(): fetched("two", "2.1.0", ""), deep.Mount(): fetched("deep", "0.1.0", "")}, nil, []render.Need{one, deep, two},
			"Secret/again-1.4.0 Secret/deep-0.1.0 Secret/deep-0.1.0 Secret/one-1.4.0 Secret/two-2.1.0 ConfigMap/web",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := render.Set{New()}.Render(t.Context(), worked(declared, test.mounts))
			if diff := cmp.Diff(test.needs, result.Needs); diff != "" {
				t.Error("needs", diff)
			}
			var missing render.Missing
			if errors.As(err, &missing); cmp.Diff(test.missing, missing.Needs) != "" {
				t.Errorf("missing is %v (%v)", missing.Needs, err)
			}
			if got := strings.Join(rendertest.Keys(result.Objects), " "); test.objects == "" && got != "" {
				t.Errorf("got %s", got)
			}
		})
	}
	aliased := in(configMap("x"), map[string]string{"c/Chart.yaml": chartYAML + dependencies(
		"{name: one, version: 1.x, repository: '"+charts+"'}", "{name: one, version: 2.x, repository: '"+charts+"', alias: again}")})
	result, err := render.Set{New()}.Render(t.Context(), worked(aliased, map[string]map[string]string{
		one.Mount(): fetched("one", "1.4.0", ""), need("one", "2.x").Mount(): fetched("one", "2.0.0", ""),
	}))
	if got := strings.Join(rendertest.Keys(result.Objects), " "); err != nil || got != "Secret/again-2.0.0 Secret/one-1.4.0 ConfigMap/web" {
		t.Errorf("of two versions come %s and the error %v", got, err)
	}
}

// A lock file says which version it is.
func TestLockedDependencies(t *testing.T) {
	t.Parallel()
	deps := []*chart.Dependency{{Name: "one", Version: "1.x", Repository: charts}}
	locked := []*chart.Dependency{{Name: "one", Version: "1.2.3", Repository: charts}}
	files := in(configMap("x"), map[string]string{
		"c/Chart.yaml": chartYAML + dependencies("{name: one, version: 1.x, repository: '"+charts+"'}"),
		"c/Chart.lock": fmt.Sprintf("dependencies:\n- {name: one, version: 1.2.3, repository: '%s'}\ndigest: %s\n", charts, digest([2][]*chart.Dependency{deps, locked})),
	})
	result, err := render.Set{New()}.Render(t.Context(), worked(files, map[string]map[string]string{need("one", "1.2.3").Mount(): fetched("one", "1.2.3", "")}))
	if err != nil || len(result.Objects) != 2 {
		t.Errorf("got %d objects and the error %v", len(result.Objects), err)
	}
}

// S01 for what is fetched: a chart reaches neither the App's repository nor
// another chart.
func TestS01AFetchedChartStaysInItself(t *testing.T) {
	t.Parallel()
	one := need("one", "1.x")
	for name, of := range map[string]map[string]string{
		"a dependency beside it": with(fetched("one", "1.0.0", dependencies("{name: c, version: '*', repository: 'file://../c'}"))),
		"one of the top":         with(fetched("one", "1.0.0", dependencies("{name: c, version: '*', repository: 'file://../../c'}"))),
		"another's mount":        with(fetched("one", "1.0.0", dependencies("{name: c, version: '*', repository: 'file://../@other'}"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := in(configMap("x"), map[string]string{"c/Chart.yaml": chartYAML + dependencies("{name: one, version: 1.x, repository: '"+charts+"'}")})
			_, err := render.Set{New()}.Render(t.Context(), worked(files, map[string]map[string]string{one.Mount(): of, "@other": fetched("c", "1.0.0", "")}))
			if err == nil || !strings.Contains(err.Error(), "which is not in the repository") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// An App's chart can be a source of its own, and values come from the App's
// folder and from further sources.
func TestAChartFromElsewhere(t *testing.T) {
	t.Parallel()
	files := map[string]string{"apps/shop/a.yaml": "a: app", "top.yaml": "a: top", "@own/x": ""}
	mounts := map[string]map[string]string{"@chart": fetched("one", "1.0.0", ""), "@env": {"prod/1.yaml": "a: first", "prod/2.yaml": "a: env"}}
	for file, want := range map[string]string{
		"a.yaml": "app", "../../top.yaml": "top", "/top.yaml": "top", "@env/prod/*.yaml": "env", "@chart/values.yaml": "own",
		"values.yaml": "error: spec.render.helm.valueFiles: apps/shop/values.yaml", "../../../x.yaml": "error: spec.render.helm.valueFiles[0]: ../../../x.yaml leads out",
		"@env/../top.yaml": "error: spec.render.helm.valueFiles[0]: @env/../top.yaml leads out", "@none/x.yaml": "error: spec.render.helm.valueFiles: @none/x.yaml",
		"../../@env/prod/1.yaml": "error: spec.render.helm.valueFiles[0]: ../../@env/prod/1.yaml leads out",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			result, err := render.Set{New()}.Render(t.Context(), worked(files, mounts, func(w *render.Work) {
				w.Path, w.Params.ValuesBase, w.Params.Helm = "@chart", "apps/shop", &v1alpha1.Helm{ValueFiles: []string{file}}
			}))
			if err != nil {
				if !strings.HasPrefix("error: "+err.Error(), want) {
					t.Errorf("the error is %v, want %s", err, want)
				}
				return
			}
			if data, _ := result.Objects[0].Object["stringData"].(map[string]any); data["a"] != want {
				t.Errorf("got %v, want %s", data["a"], want)
			}
		})
	}
}

func TestValuesFrom(t *testing.T) {
	t.Parallel()
	files := in(configMap(`{{ toJson .Values | quote }}`), map[string]string{"c/f.yaml": "file: 1\nboth: file\n"})
	secret := func(data map[string]string) given.Object {
		o := given.Object{Kind: "Secret", Name: "s", Version: "1", Data: map[string][]byte{}}
		for k, v := range data {
			o.Data[k] = []byte(v)
		}
		return o
	}
	from := func(key, at string) v1alpha1.Given {
		return v1alpha1.Given{Kind: "Secret", Name: "s", Key: key, At: at}
	}
	for name, test := range map[string]struct {
		given given.Object
		from  []v1alpha1.Given
		want  string // or how the error begins
	}{
		"a file, between files and values": {secret(map[string]string{"values.yaml": "both: given\nover: given\ndeep: {x: 1}\n"}), []v1alpha1.Given{from("", "")}, `{"both":"given","deep":{"x":1},"file":1,"over":"values"}`},
		"another key":                      {secret(map[string]string{"k": "both: k"}), []v1alpha1.Given{from("k", "")}, `{"both":"k","file":1,"over":"values"}`},
		"in order":                         {secret(map[string]string{"k": "both: k", "l": "both: l"}), []v1alpha1.Given{from("l", ""), from("k", "")}, `{"both":"k","file":1,"over":"values"}`},
		"one value, text":                  {secret(map[string]string{"p": `a,b=c\{d},"e" `}), []v1alpha1.Given{from("p", "db.password")}, `{"both":"file","db":{"password":"a,b=c\\{d},\"e\" "},"file":1,"over":"values"}`},
		"one value, a number":              {secret(map[string]string{"p": "3"}), []v1alpha1.Given{from("p", "replicas")}, `{"both":"file","file":1,"over":"values","replicas":3}`},
		"one value, a switch":              {secret(map[string]string{"p": "false"}), []v1alpha1.Given{from("p", "on")}, `{"both":"file","file":1,"on":false,"over":"values"}`},
		"one value, a number as text":      {secret(map[string]string{"p": `"3"`}), []v1alpha1.Given{from("p", "a")}, `{"a":"3","both":"file","file":1,"over":"values"}`},
		"one value, no list":               {secret(map[string]string{"p": "{a,b}"}), []v1alpha1.Given{from("p", "a")}, `{"a":"{a,b}","both":"file","file":1,"over":"values"}`},
		"a dot in a name":                  {secret(map[string]string{"p": "v"}), []v1alpha1.Given{from("p", `labels.example\.com/x`)}, `{"both":"file","file":1,"labels":{"example.com/x":"v"},"over":"values"}`},
		"in a list":                        {secret(map[string]string{"p": "v"}), []v1alpha1.Given{from("p", "hosts[1].name")}, `{"both":"file","file":1,"hosts":[null,{"name":"v"}],"over":"values"}`},
		"optional, absent":                 {secret(nil), []v1alpha1.Given{{Kind: "Secret", Name: "s", Optional: true}, {Kind: "ConfigMap", Name: "none", Optional: true}}, `{"both":"file","file":1,"over":"values"}`},
		"absent":                           {secret(nil), []v1alpha1.Given{from("", "")}, "spec.render.helm.valuesFrom[0]: there is no key values.yaml of the Secret s in the target namespace"},
		"no mapping":                       {secret(map[string]string{"values.yaml": "canary"}), []v1alpha1.Given{from("", "")}, "spec.render.helm.valuesFrom[0]: the key values.yaml of the Secret s: its values are no mapping"},
		"no place":                         {secret(map[string]string{"p": "canary"}), []v1alpha1.Given{from("p", "a[x]")}, `spec.render.helm.valuesFrom[0]: at: "a[x]" names no value`},
		"a place in a text":                {secret(map[string]string{"p": "canary"}), []v1alpha1.Given{from("p", "both.x")}, `spec.render.helm.valuesFrom[0]: at: "both.x" names no value`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := render.Set{New()}.Render(t.Context(), worked(files, nil, func(w *render.Work) {
				w.Given = given.Values{test.given}
				w.Params.Helm = &v1alpha1.Helm{ValueFiles: []string{"f.yaml"}, ValuesFrom: test.from, Values: map[string]any{"over": "values"}}
			}))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				data, _ := result.Objects[0].Object["data"].(map[string]any)
				got, _ = data["got"].(string)
			}
			if !strings.HasPrefix(got, test.want) || strings.Contains(got, "canary") {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// live is a cluster of the test's.
type live struct {
	objects []map[string]any
	asked   []string
	failed  error
}

func (l *live) Capabilities(context.Context) (render.Capabilities, error) {
	l.asked = append(l.asked, "capabilities")
	return render.Capabilities{KubeVersion: "v1.33.1", APIVersions: []string{"v1", "v1/Secret", "example.com/v1/Gear"}}, l.failed
}

func (l *live) Object(_ context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	l.asked = append(l.asked, strings.Join([]string{apiVersion, kind, namespace, name}, " "))
	for _, o := range l.objects {
		if o["name"] == name {
			return o, l.failed
		}
	}
	return nil, l.failed
}

func (l *live) List(_ context.Context, apiVersion, kind, namespace string) ([]map[string]any, error) {
	l.asked = append(l.asked, strings.Join([]string{apiVersion, kind, namespace}, " "))
	if kind == "None" {
		return nil, l.failed
	}
	return append([]map[string]any{}, l.objects...), l.failed
}

// Templates see the cluster where there is one to ask, and change nothing of
// what it told.
func TestTheCluster(t *testing.T) {
	t.Parallel()
	for template, test := range map[string]struct{ want, asked string }{
		`"{{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has "example.com/v1/Gear" }} {{ .Capabilities.APIVersions.Has "apps/v1" }}"`: {"v1.33.1 true false", "capabilities"},
		`"{{ tpl .Values.ask . }}"`:                                                       {"33", "capabilities"},
		`"no question"`:                                                                   {"no question", ""},
		`"{{ (lookup "v1" "Secret" "shop" "a").name }}"`:                                  {"a", "v1 Secret shop a"},
		`"{{ lookup "v1" "Secret" "shop" "none" | len }}"`:                                {"0", "v1 Secret shop none"},
		`"{{ range (lookup "v1" "Secret" "" "").items }}{{ .name }}{{ end }}"`:            {"ab", "v1 Secret "},
		`"{{ (lookup "v1" "Secret" "" "").kind }}{{ lookup "x/v1" "None" "" "" | len }}"`: {"SecretList0", "v1 Secret , x/v1 None "},
		`"{{ $_ := set (lookup "v1" "Secret" "" "a") "name" "changed" }}{{ (lookup "v1" "Secret" "" "a").name }}"`: {"a", "v1 Secret  a, v1 Secret  a"},
		`"{{ range until 201 }}{{ $_ := lookup "v1" "Secret" "" "none" }}{{ end }}"`:                               {"error: c/templates/a.yaml:5: templates look up more than 200 objects", ""},
		`"{{ range until 150 }}{{ $_ := lookup "v1" "Secret" "" "big" }}{{ end }}"`:                                {"error: c/templates/a.yaml:5: templates yield more than 268435456 bytes", ""},
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			values := "{}"
			if strings.Contains(template, ".ask") {
				values = "ask: '{{ .Capabilities.KubeVersion.Minor }}'"
			}
			cluster := &live{objects: []map[string]any{{"name": "a"}, {"name": "b"}}}
			if strings.Contains(template, "big") {
				cluster.objects = append(cluster.objects, map[string]any{"name": "big", "data": strings.Repeat("x", 4<<20)})
			}
			files := in(configMap(template), map[string]string{"c/values.yaml": values, "c/README.md": "Capabilities"})
			result, err := render.Set{New()}.Render(t.Context(), worked(files, nil, func(w *render.Work) { w.Live = cluster }))
			got := ""
			if err != nil {
				got = "error: " + err.Error()
			} else {
				data, _ := result.Objects[0].Object["data"].(map[string]any)
				got, _ = data["got"].(string)
			}
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got %.300s, want %s", got, test.want)
			}
			if asked := strings.Join(cluster.asked, ", "); err == nil && (asked != test.asked || result.Asked != (asked != "")) {
				t.Errorf("it asked %q (%t), want %q", asked, result.Asked, test.asked)
			}
		})
	}
}

// What can't be told now may be told later.
func TestAClusterThatDoesntAnswer(t *testing.T) {
	t.Parallel()
	for _, template := range []string{`{{ .Capabilities.KubeVersion }}`, `{{ lookup "v1" "Secret" "" "a" }}`} {
		_, err := render.Set{New()}.Render(t.Context(), worked(in(configMap(template), nil), nil, func(w *render.Work) { w.Live = &live{failed: errors.New("it is away")} }))
		if !errors.Is(err, render.ErrRead) || err.Error() != "the target could not be asked: it is away" {
			t.Errorf("%s: the error is %v", template, err)
		}
	}
	wants := in(configMap("x"), map[string]string{"c/Chart.yaml": chartYAML + "kubeVersion: '>=1.34'\n"})
	if _, err := (render.Set{New()}).Render(t.Context(), worked(wants, nil, func(w *render.Work) { w.Live = &live{} })); err == nil || !strings.Contains(err.Error(), "the chart wants Kubernetes >=1.34, and is rendered for v1.33.1") {
		t.Errorf("a chart for newer clusters: the error is %v", err)
	}
}

// S22 for what is given: however a render fails, and in what it comes to, the
// value of a Secret is told by nobody.
func TestS22GivenSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	secret := given.Object{Kind: "Secret", Name: "s", Version: "1", Data: map[string][]byte{"values.yaml": []byte("token: canary-given\nnested: {deep: [canary-deep]}\n"), "single": []byte("canary-single")}}
	from := []v1alpha1.Given{{Kind: "Secret", Name: "s"}, {Kind: "Secret", Name: "s", Key: "single", At: "one"}}
	for template, files := range map[string]map[string]string{
		"{{ fail .Values.token }}":                           nil,
		"{{ required .Values.one nil }}":                     nil,
		"{{ .Values.token.x }}":                              nil,
		"{{ tpl \"{{ .x \" .Values.token }}":                 nil,
		"{{ tpl .Values.one . }}{{ fail .Values.one }}":      nil,
		"a: [{{ .Values.token }}\n":                          nil,
		"{{ .Values.token }}":                                nil,
		"kind: {{ .Values.one }}":                            nil,
		"{{ (index .Values.nested.deep 0) | toDate \"x\" }}": nil,
		"x": {"c/values.schema.json": `{"properties": {"token": {"pattern": "^[0-9]*$"}, "one": {"enum": ["a"]}, "nested": {"properties": {"deep": {"items": {"const": "b"}}}}}}`},
		"y": {"c/charts/token/Chart.yaml": "apiVersion: v2\nname: token\nversion: 1.0.0\n", "c/charts/token/values.yaml": "a: 1\n"},
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			_, err := render.Set{New()}.Render(t.Context(), worked(in(template, files), nil, func(w *render.Work) {
				w.Given, w.Params.Helm = given.Values{secret}, &v1alpha1.Helm{ValuesFrom: from}
			}))
			if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "given\"") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	result, err := render.Set{New()}.Render(t.Context(), worked(in(configMap(`"{{ .Values.token }}"`), nil), nil, func(w *render.Work) {
		w.Given, w.Params.Helm = given.Values{secret}, &v1alpha1.Helm{ValuesFrom: from}
	}))
	if err != nil || !result.Opened || result.Objects[0].GetAnnotations()["plumb.dev/sensitive"] != "/data/got" {
		t.Errorf("what came of it is marked as %v, and the error is %v", result.Objects, err)
	}
}
