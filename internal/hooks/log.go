package hooks

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Tail is the last part of what was printed, from the beginning of a line.
func Tail(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	if _, rest, ok := strings.Cut(text, "\n"); ok {
		text = rest
	}
	return strings.ToValidUTF8("…\n"+text, "\uFFFD")
}

// Containers names a pod's containers in the order they run.
func Containers(pod *unstructured.Unstructured) (names []string) {
	for _, field := range []string{"initContainers", "containers"} {
		list, _, _ := unstructured.NestedSlice(pod.Object, "spec", field)
		for _, one := range list {
			container, _ := one.(map[string]any)
			if name, ok := container["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
