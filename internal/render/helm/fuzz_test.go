package helm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// plainly executes a template with Go's library alone. Loops are cut short.
func plainly(text string, bounded bool) (string, error) {
	left := 1000
	step := func(...any) (string, error) {
		if left--; left < 0 {
			return "", errLong
		}
		return "", nil
	}
	t := template.New("t").Option("missingkey=zero")
	t.Funcs(template.FuncMap{
		callEnter: step, callTurn: step, callLeave: func() string { return "" }, callPrint: func(v any) any { return v },
		callText: func(s string) string { return s }, "tpl": func(s string, _ any) string { return s }, "include": func(string, any) string { return "" },
	})
	if bounded && (strings.Contains(text, "range") || strings.Contains(text, "template") || strings.Contains(text, "block")) {
		return "", errLong // what isn't metered might never end
	}
	if _, err := t.Parse(text); err != nil {
		return "", err
	}
	var out strings.Builder
	err := t.Execute(&out, map[string]any{"a": "x", "l": []any{1, "y"}, "m": map[string]any{"k": "v"}})
	return out.String(), err
}

var errLong = errors.New("too long")

// Whatever a template's text: what is put into it leaves what it means.
func FuzzRewrite(f *testing.F) {
	for _, seed := range realistic(1) {
		f.Add(seed)
	}
	for _, seed := range []string{
		"{{ .a }}", "{{- .a -}} \n x", "{{/* c }} */}}x", `{{ "}}" }}{{ '}' }}` + "{{ `}}` }}", "{{ tpl .a . }}{{ tpl (tpl \"x\" .) . | len }}",
		"{{ define \"d\" -}} x {{- end }}{{ template \"d\" . }}", "{{ range .l }}{{ . }}{{ else }}n{{ end }}", "{{ range $i, $x := .l }} {{- $i }}{{ break }}{{ end }}",
		"{{ if .a }}y{{ else if .b }}z{{ else with .c }}{{ end }}", "{{ block \"b\" . }} {{ .a }} {{ end }}", "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", `{{ define "d" }} {{/* c */}} {{ end }}{{ define "d" }}x{{ end }}{{- define "d" -}} {{- end -}}`,
		"{{", "}}", "{{ .a }}{", "{{ }}", "{{- -}}", "{{-3}}", "{{ .l }}{{ nil }}", "{{ (.m).k }}{{ .m.k.z }}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "plumb") {
			return
		}
		metered, err := rewrite(text)
		if err != nil {
			return
		}
		if strings.Count(text, "\n") != strings.Count(metered, "\n") {
			t.Fatalf("lines have moved:\n%q\n%q", text, metered)
		}
		want, wantErr := plainly(text, true)
		if errors.Is(wantErr, errLong) {
			_, parseErr := template.New("t").Funcs(template.FuncMap{"tpl": fmt.Sprint, "include": fmt.Sprint}).Parse(text)
			_, err := plainly(metered, false)
			if parseErr == nil && err != nil && strings.Contains(err.Error(), "template: t:") && !strings.Contains(err.Error(), "executing") {
				t.Fatalf("can't be parsed any more: %v\n%q\n%q", err, text, metered)
			}
			return
		}
		got, gotErr := plainly(metered, false)
		if errors.Is(gotErr, errLong) {
			return
		}
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && got != want {
			t.Fatalf("%q became %q\n%q (%v)\n%q (%v)", text, metered, want, wantErr, got, gotErr)
		}
	})
}

// Whatever a chart and the values say: an answer or an error, the same again,
// and values as Helm merges them.
func FuzzChart(f *testing.F) {
	f.Add(chartYAML, "a: {b: 1}\n", "a: {b: null, c: [1]}\n")
	f.Add(chartYAML+"dependencies:\n- {name: sub, version: '*', alias: b, condition: a.b, tags: [x], import-values: [{child: a, parent: b}]}\n", "tags: {x: true}\n", "b: text\n")
	f.Add("name: [", "- a", "a: &a [*a]")
	f.Add("apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [null]\n", "global: 1\n", "sub: 1\n")
	f.Fuzz(func(t *testing.T, chart, defaults, given string) {
		files := treetest.New(map[string]string{
			"c/Chart.yaml": chart, "c/values.yaml": defaults, "c/given.yaml": given, "c/templates/a.yaml": configMap("{{ toJson .Values | quote }}"),
			"c/charts/sub/Chart.yaml": subYAML, "c/charts/sub/values.yaml": "a: {b: 2}\n",
		})
		params := v1alpha1.Render{Helm: &v1alpha1.Helm{ValueFiles: []string{"given.yaml"}}}
		first, err := render.Set{New()}.Render(t.Context(), render.Work{Files: files, Path: "c", Params: params})
		again, errAgain := render.Set{New()}.Render(t.Context(), render.Work{Files: files, Path: "c", Params: params})
		var broken *render.Panic
		if errors.As(err, &broken) || errors.Is(err, render.ErrRead) {
			t.Fatal(err)
		}
		if fmt.Sprint(err) != fmt.Sprint(errAgain) || len(first.Objects) != len(again.Objects) {
			t.Fatalf("%v and %d objects, then %v and %d", err, len(first.Objects), errAgain, len(again.Objects))
		}
		for i, o := range first.Objects {
			if diff := cmp.Diff(o.Object, again.Objects[i].Object); diff != "" {
				t.Fatal(diff)
			}
		}
		x, errX := loader.LoadValues(strings.NewReader(given))
		y, errY := parseValues("given.yaml", []byte(given))
		if errX == nil && errY == nil && !cmp.Equal(x, y) {
			t.Fatal(cmp.Diff(x, y))
		}
	})
}
