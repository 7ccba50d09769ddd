package helm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"plumb.dev/plumb/api/v1alpha1"
)

// sub is a chart below the folder c that prints what it was given.
func sub(name, version string) map[string]string {
	at := "c/charts/" + name + "/"
	return map[string]string{
		at + "Chart.yaml":       fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version),
		at + "values.yaml":      "a: own\nexports: {data: {imported: yes-it-is}}\ninner: {deep: found}\n",
		at + "templates/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Chart.Name }}}\nstringData: {a: {{ .Values.a }}, g: {{ .Values.global.g | default \"none\" | quote }}}\n",
	}
}

func with(maps ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps {
		for name, content := range m {
			all[name] = content
		}
	}
	return all
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	declared := func(list string) map[string]string {
		return map[string]string{"c/Chart.yaml": chartYAML + "dependencies:\n" + list}
	}
	main := configMap(`"{{ .Values.imported }}{{ (.Values.here | default dict).deep }}"`)
	for name, test := range map[string]struct {
		files  map[string]string
		values map[string]any
		want   string
	}{
		"undeclared counts":    {files: with(in(main, nil), sub("sub", "1.0.0")), want: "Secret/sub a=own g=none; ConfigMap/web got="},
		"values go down":       {with(in(main, nil), sub("sub", "1.0.0")), map[string]any{"sub": map[string]any{"a": "given"}, "global": map[string]any{"g": "G"}}, "Secret/sub a=given g=G; ConfigMap/web got="},
		"aliases":              {files: with(in(main, nil), sub("sub", "1.0.0"), declared("- {name: sub, version: 1.x, alias: one}\n- {name: sub, version: 1.x, alias: two}\n")), want: "Secret/one a=own g=none; Secret/two a=own g=none; ConfigMap/web got="},
		"condition off":        {with(in(main, nil), sub("sub", "1.0.0"), declared("- {name: sub, version: 1.x, condition: sub.on}\n")), map[string]any{"sub": map[string]any{"on": false}}, "ConfigMap/web got="},
		"tag off":              {with(in(main, nil), sub("sub", "1.0.0"), declared("- {name: sub, version: 1.x, tags: [extra]}\n")), map[string]any{"tags": map[string]any{"extra": false}}, "ConfigMap/web got="},
		"import-values":        {files: with(in(main, nil), sub("sub", "1.0.0"), declared("- name: sub\n  version: 1.x\n  import-values: [data, {child: inner, parent: here}]\n")), want: "Secret/sub a=own g=none; ConfigMap/web got=yes-it-isfound"},
		"packed":               {files: in(main, map[string]string{"c/charts/sub-1.0.0.tgz": pack(packed{name: "sub/Chart.yaml", content: subYAML}, packed{name: "sub/templates/x.yaml", content: "apiVersion: v1\nkind: Secret\nmetadata: {name: packed}\nstringData: {a: p, g: q}\n"})}), want: "Secret/packed a=p g=q; ConfigMap/web got="},
		"file":                 {files: with(in(main, nil), declared("- {name: other, version: '*', repository: 'file://../other'}\n"), map[string]string{"other/Chart.yaml": "apiVersion: v2\nname: other\nversion: 0.1.0\n", "other/templates/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: o}\nstringData: {a: 1x, g: 2x}\n"}), want: "Secret/o a=1x g=2x; ConfigMap/web got="},
		"requirements.yaml":    {files: with(in(main, nil), sub("sub", "1.0.0"), map[string]string{"c/Chart.yaml": "name: shop\nversion: 1.0.0\n", "c/requirements.yaml": "dependencies:\n- {name: sub, version: 1.x, alias: old}\n"}), want: "Secret/old a=own g=none; ConfigMap/web got="},
		"hidden is no chart":   {files: with(in(main, nil), map[string]string{"c/charts/.x/y": "", "c/charts/_z/y": "", "c/charts/README.md": ""}), want: "ConfigMap/web got="},
		"the newest that fits": {files: with(in(main, nil), moved(sub("sub", "1.9.0"), "sub", "b"), moved(sub("sub", "1.10.0"), "sub", "a"), declared("- {name: sub, version: 1.x, alias: one}\n")), want: "Secret/one a=own g=none; ConfigMap/web got="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := rendered(t, test.files, &v1alpha1.Helm{Values: test.values})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range result.Objects {
				line := o.Key().String()
				if data, is := o.Object["stringData"].(map[string]any); is {
					line += fmt.Sprintf(" a=%v g=%v", data["a"], data["g"])
				}
				if data, is := o.Object["data"].(map[string]any); is {
					line += fmt.Sprintf(" got=%v", data["got"])
				}
				got = append(got, line)
			}
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// moved is a chart in another folder of charts/.
func moved(files map[string]string, from, to string) map[string]string {
	all := map[string]string{}
	for name, content := range files {
		all[strings.Replace(name, "charts/"+from+"/", "charts/"+to+"/", 1)] = content
	}
	return all
}

func TestWrongDependencies(t *testing.T) {
	t.Parallel()
	deps := []*chart.Dependency{{Name: "sub", Version: "1.x", Repository: "https://charts.example.com"}}
	lockedAs := func(version string) string {
		locked := []*chart.Dependency{{Name: "sub", Version: version, Repository: "https://charts.example.com"}}
		return fmt.Sprintf("dependencies:\n- {name: sub, version: %s, repository: 'https://charts.example.com'}\ndigest: %s\n", version, digest([2][]*chart.Dependency{deps, locked}))
	}
	const declared = chartYAML + "dependencies:\n- {name: sub, version: 1.x, repository: 'https://charts.example.com'}\n"
	file := func(repository string) map[string]string {
		return map[string]string{"c/Chart.yaml": chartYAML + "dependencies:\n- {name: sub, version: 1.x, repository: '" + repository + "'}\n"}
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string // empty: it is none
	}{
		"not there":                 {map[string]string{"c/Chart.yaml": declared}, "the chart sub 1.x of https://charts.example.com: not fetched yet"},
		"password":                  {file("https://me:canary@charts.example.com"), "the repository of the dependency sub has a user in its URL"},
		"oci":                       {file("oci://registry.example.com/charts"), "the chart sub 1.x of oci://registry.example.com/charts: not fetched yet"},
		"by an alias":               {file("@stable"), `is given as "@stable", a name that only the one who added it knows; give its URL`},
		"by another alias":          {file("alias:stable"), `is given as "alias:stable"`},
		"of another kind":           {file("s3://bucket/charts"), `is of the kind "s3", which Plumb doesn't fetch from`},
		"of the host":               {file("/etc/charts"), `is of the kind ""`},
		"no host":                   {file("https:charts"), "names no host"},
		"no repository":             {file(""), "c/Chart.yaml: what it depends on is not in charts/, and no repository is named: sub 1.x"},
		"file outside":              {file("file://../../x"), "which is not in the repository"},
		"file, absolute":            {file("file:///etc"), "which is not in the repository"},
		"file is no chart":          {with(file("file://../x"), map[string]string{"x/y": ""}), "x: there is no Chart.yaml in it"},
		"file of other name":        {with(file("file://../x"), map[string]string{"x/Chart.yaml": chartYAML}), "the chart there is shop"},
		"file of itself":            {file("file://."), "the chart depends on itself"},
		"locked":                    {with(sub("sub", "1.2.3"), map[string]string{"c/Chart.yaml": declared, "c/Chart.lock": lockedAs("1.2.3")}), ""},
		"locked, for others":        {with(map[string]string{"c/Chart.yaml": strings.Replace(declared, "1.x", "1.2.x", 1), "c/Chart.lock": lockedAs("1.2.3")}), "c/Chart.yaml: Chart.lock was made for other dependencies than it names"},
		"vendored, lock for others": {with(sub("sub", "1.2.3"), map[string]string{"c/Chart.yaml": strings.Replace(declared, "1.x", "1.2.x", 1), "c/Chart.lock": lockedAs("1.2.3")}), "notice: c/Chart.yaml: Chart.lock was made for other dependencies than it names"},
		"vendored, other chart":     {with(sub("sub", "1.2.3"), map[string]string{"c/Chart.yaml": declared, "c/Chart.lock": lockedAs("1.2.4")}), "notice: c/Chart.yaml: Chart.lock names version 1.2.4 of sub, and charts/ has another"},
		"broken lock":               {map[string]string{"c/Chart.lock": "dependencies: {\n"}, "c/Chart.lock:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := rendered(t, with(in(configMap("x"), nil), test.files), nil)
			if err == nil && len(result.Notices) > 0 {
				err = errors.New("notice: " + result.Notices[0])
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) || err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("got the error %v, want %s", err, test.want)
			}
		})
	}
}
