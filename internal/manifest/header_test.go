package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: \"b\" # c\nspec:\n  name: c\n  metadata:\n    name: d\n"
	for name, test := range map[string]struct {
		data string
		want []string
	}{
		"block":         {pod, []string{"1 Pod b/a"}},
		"several":       {"# c\n---\n" + pod + "---\n" + pod, []string{"3 Pod b/a", "13 Pod b/a"}},
		"flow":          {"{apiVersion: v1, kind: Pod, metadata: {name: a}}\n", []string{"1 Pod /a"}},
		"flow metadata": {"---\nkind: Pod\nmetadata: {name: a}\n", []string{"2 Pod /a"}},
		"json":          {"{\"kind\": \"Pod\",\n\"metadata\": {\"name\": \"a\"}}", []string{"1 Pod /a"}},
		"order":         {"metadata:\n    labels:\n        name: x\n    name: a\nkind: Pod\n", []string{"1 Pod /a"}},
		"anchor":        {"kind: Pod\nmetadata:\n  name: &n a\n", []string{"1 Pod /a"}},
		"list":          {"\nkind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n- kind: Pod\n  metadata: {name: b}\n", []string{"4 Pod /a", "6 Pod /b"}},
		"windows":       {strings.ReplaceAll(pod, "\n", "\r\n"), []string{"1 Pod b/a"}},
		"broken":        {"kind: [\n---\n" + pod, []string{"3 Pod b/a"}},
		"byte order":    {"\xef\xbb\xbf" + pod, []string{"1 Pod b/a"}},
		"no object":     {"a: 1\n", []string{"1  /"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range Headers("f.yaml", []byte(test.data)) {
				got = append(got, fmt.Sprintf("%d %s %s/%s", h.Origin.Line, h.Kind, h.Namespace, h.Name))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
