package controlplanetest

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestMain(m *testing.M) { Main(m) }

func TestNamespaceNamesAreValidAndReadable(t *testing.T) {
	for _, test := range []string{"TestApply", "TestApply/Ein_Fall/größer_als", "Test", "TestX/" + strings.Repeat("long ", 30), "FuzzÄ"} {
		name := namespaceName(test, "ABCDEFGHIJ234567")
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			t.Errorf("namespaceName(%q) = %q: %v", test, name, problems)
		}
	}
	if got, want := namespaceName("TestApply/two_Apps", "ABCDEFGHIJ"), "test-apply-two-apps-abcdef"; got != want {
		t.Errorf("namespaceName = %q, want %q", got, want)
	}
}

func TestNamespacesAreOfTheirOwn(t *testing.T) {
	if one, other := Namespace(t), Namespace(t); one == other {
		t.Errorf("two namespaces of one test are both called %s", one)
	}
}
