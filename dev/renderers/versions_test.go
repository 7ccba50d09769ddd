package renderers

import (
	"os"
	"regexp"
	"testing"
)

// What is compared is of the same versions: what Plumb renders with, and what
// the commands are built from.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, module := range []string{"helm.sh/helm/v4", "sigs.k8s.io/kustomize/api", "sigs.k8s.io/kustomize/kyaml"} {
		ours, theirs := version(t, "../../go.mod", module), version(t, "go.mod", module)
		if ours != theirs {
			t.Errorf("Plumb renders with %s %s, and the command is built from %s: go get it in dev/renderers", module, ours, theirs)
		}
	}
}

// version is the one of a module that a go.mod asks for.
func version(t *testing.T, file, module string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(content)
	if found == nil {
		t.Fatalf("%s asks for no %s", file, module)
	}
	return string(found[1])
}
