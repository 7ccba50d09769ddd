package hostile_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// generatedFiles are those of an App whose Secret is generated, and of a workload
// that is restarted with it.
func generatedFiles(s *stand) map[string]string {
	return map[string]string{
		"apps/made.yaml": s.declare("made"),
		"made/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: made\n  annotations:\n    plumb.dev/generate: '{password: {length: 24}, token: {bytes: 24}}'\n" +
			"    plumb.dev/restart: \"true\"\n",
		"made/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: made}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: made}}\n  template:\n" +
			"    metadata: {labels: {app: made}}\n    spec: {containers: [{name: c, image: i, envFrom: [{secretRef: {name: made}}]}]}\n",
	}
}

// generates has a Secret generated, a value of it deleted and all of them rotated,
// and notes each value that there was.
func (s *stand) generates(t *testing.T, c canaries) {
	t.Helper()
	s.synced(t, "made", "")
	first := s.noteGenerated(t, c, "first")
	if _, err := s.secrets().Patch(t.Context(), "made", types.MergePatchType, []byte(`{"data":{"password":null}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	until(t, "the deleted value to be made anew", func() string {
		if data := s.noteGenerated(t, c, "anew"); data["password"] == nil || data["password"] == first["password"] {
			return fmt.Sprint(len(data), " keys")
		}
		return ""
	})
	s.synced(t, "made", "")
	if got := s.says("rotate", "secret", s.namespace+"/made"); got.code != 0 {
		t.Fatalf("it can't be rotated: %s", got.err)
	}
	if data := s.noteGenerated(t, c, "rotated"); data["token"] == first["token"] {
		t.Error("rotating made no new value")
	}
	s.synced(t, "made", "")
}

// noteGenerated makes canaries of what a Secret holds.
func (s *stand) noteGenerated(t *testing.T, c canaries, when string) map[string]any {
	t.Helper()
	secret, err := s.secrets().Get(t.Context(), "made", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := unstructured.NestedMap(secret.Object, "data")
	for key, value := range data {
		plain, err := base64.StdEncoding.DecodeString(fmt.Sprint(value))
		if err != nil {
			t.Fatal(err)
		}
		c["generated "+key+", "+when] = string(plain)
	}
	return data
}
