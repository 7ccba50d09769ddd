package helm

import (
	"fmt"
	"sync"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// Charts that are rendered side by side, of one tree and of others, with
// dependencies, capabilities and values of their own, come to what each comes to
// alone. The race detector watches.
func TestParallelRenders(t *testing.T) {
	t.Parallel()
	files := with(realistic(3), sub("sub", "1.0.0"), map[string]string{
		"c/Chart.yaml":               chartYAML + "dependencies:\n- {name: sub, version: 1.x, alias: one, condition: one.enabled, import-values: [data]}\n",
		"c/templates/asks.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: asks}\ndata: {v: \"{{ .Capabilities.KubeVersion }} {{ .Values.nr }} {{ .Values.imported }} {{ (lookup \"v1\" \"Secret\" \"\" \"a\").name }}\"}\n",
		"c/values.schema.json":       `{"properties": {"nr": {"type": "integer"}}}`,
		"c/templates/_changes.tpl":   "{{ define \"changes\" }}{{ $_ := set .Values \"nr\" 0 }}{{ end }}",
		"c/templates/z-changes.yaml": "{{ include \"changes\" . }}",
	})
	shared := treetest.New(files)
	set := render.Set{New()}
	work := func(nr int) render.Work {
		w := worked(files, nil)
		if w.Files = shared; nr%2 == 0 {
			w.Files = treetest.New(files)
		}
		w.Live = &live{objects: []map[string]any{{"name": "a"}}}
		w.Given = given.Values{{Kind: "ConfigMap", Name: "nr", Version: "1", Data: map[string][]byte{"nr": fmt.Append(nil, nr)}}}
		w.Params.Helm = &v1alpha1.Helm{KubeVersion: fmt.Sprintf("1.%d.0", 20+nr), ValuesFrom: []v1alpha1.Given{{Kind: "ConfigMap", Name: "nr", Key: "nr", At: "nr"}}}
		return w
	}
	outcome := func(nr int) string {
		result, err := set.Render(t.Context(), work(nr))
		text := fmt.Sprint(err)
		for _, o := range result.Objects {
			text += " " + o.Key().String() + o.Digest()
		}
		return text
	}
	const charts, times = 8, 4
	var want [charts]string
	for nr := range want {
		want[nr] = outcome(nr)
	}
	if want[0] == want[1] {
		t.Fatalf("they don't differ: %s", want[0])
	}
	var all sync.WaitGroup
	for i := range charts * times {
		all.Go(func() {
			if got := outcome(i % charts); got != want[i%charts] {
				t.Errorf("beside others it comes to\n%s\nnot\n%s", got, want[i%charts])
			}
		})
	}
	all.Wait()
}
