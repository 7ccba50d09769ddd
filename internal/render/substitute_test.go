package render_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

func substitution(s v1alpha1.Substitute, values given.Values, objects ...object.Object) (render.Result, error) {
	set := render.Set{fake{name: "plain", wants: true, objects: objects}}
	return set.Render(context.Background(), render.Work{
		Files: treetest.New(map[string]string{"app/a.yaml": ""}), Path: "app", Params: v1alpha1.Render{Substitute: &s}, Given: values,
	})
}

func pod(annotations map[string]any) object.Object {
	return made("a.yaml", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "${NAME}", "annotations": annotations}})
}

func TestSubstitute(t *testing.T) {
	t.Parallel()
	values := given.Values{
		{Kind: "ConfigMap", Name: "cluster", Version: "1", Data: map[string][]byte{"NAME": []byte("of-the-cluster\n"), "REGION": []byte("eu\n"), "a.b": []byte("x")}},
		{Kind: "Secret", Name: "tokens", Version: "1", Data: map[string][]byte{"TOKEN": []byte("hunter2hunter2"), "REGION": []byte("us")}},
		{Kind: "Secret", Name: "none"},
	}
	result, err := substitution(v1alpha1.Substitute{
		Values: map[string]string{"NAME": "web"},
		From:   []v1alpha1.Given{{Kind: "Secret", Name: "tokens"}, {Kind: "ConfigMap", Name: "cluster"}, {Kind: "Secret", Name: "none", Optional: true}},
	}, values, pod(map[string]any{"region": "${REGION}", "token": "Bearer ${TOKEN}"}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"name": "web", "annotations": map[string]any{
		"region": "eu", "token": "Bearer hunter2hunter2", "plumb.dev/sensitive": "/metadata/annotations/token",
	}}
	if diff := cmp.Diff(want, result.Objects[0].Object["metadata"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !result.Opened {
		t.Error("what has secrets in it may be written to a file")
	}
}

func TestSubstituteRefuses(t *testing.T) {
	t.Parallel()
	lenient := false
	canary := given.Values{{Kind: "Secret", Name: "s", Version: "1", Data: map[string][]byte{"NAME": []byte("Canary-canary/")}}}
	from := []v1alpha1.Given{{Kind: "Secret", Name: "s"}}
	for name, test := range map[string]struct {
		asked  v1alpha1.Substitute
		values given.Values
		want   string
	}{
		"no value":        {v1alpha1.Substitute{}, nil, "a.yaml:1: Pod/${NAME}: metadata.name: there is no value for ${NAME}; give it in spec.render.substitute, or write $${NAME} to have it as it stands"},
		"not strict":      {v1alpha1.Substitute{Strict: &lenient}, nil, ""},
		"no name":         {v1alpha1.Substitute{Values: map[string]string{"NAME": ""}}, nil, "a.yaml:1: Pod/: has no name: give it metadata.name"},
		"S22 not quoted":  {v1alpha1.Substitute{From: from}, canary, "the name"},
		"S05 a long text": {v1alpha1.Substitute{Values: map[string]string{"NAME": strings.Repeat("x", render.MaxTotalBytes+1)}}, nil, "what is substituted makes the objects larger than they may be: 67108864 bytes"},
	} {
		_, err := substitution(test.asked, test.values, pod(nil))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || err != nil && strings.Contains(err.Error(), "anary") {
			t.Errorf("%s: got the error %v, want %s", name, err, test.want)
		}
	}
}

// Two objects that come to have one name are as wrong as two that were written so.
func TestSubstituteIsChecked(t *testing.T) {
	t.Parallel()
	_, err := substitution(v1alpha1.Substitute{Values: map[string]string{"NAME": "a"}}, nil, pod(nil), named("b.yaml", "Pod", "a"))
	if err == nil || err.Error() != "b.yaml:1: Pod/a: is declared twice, the first time at a.yaml:1: remove one of them" {
		t.Error(err)
	}
}
