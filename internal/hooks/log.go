package hooks

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Printed is what one container of a pod printed last, or why that can't be told.
type Printed struct {
	Container string
	Text      string
	Err       error
}

// Log is the last part of what a pod's containers printed. Where there isn't room
// for all of it, none takes from another what that one needs: a sidecar that
// prints much doesn't push out why a migration failed.
func Log(all []Printed, most int) string {
	texts := make([]string, len(all))
	for i, p := range all {
		if texts[i] = p.Text; texts[i] != "" && !strings.HasSuffix(texts[i], "\n") {
			texts[i] += "\n"
		}
		if p.Err != nil {
			texts[i] += "(what it printed can't be read: " + p.Err.Error() + ")\n"
		}
	}
	var log strings.Builder
	for i, room := range shares(texts, most) {
		if texts[i] != "" && len(all) > 1 {
			log.WriteString("[" + all[i].Container + "]\n")
		}
		log.WriteString(Tail(texts[i], room))
	}
	return log.String()
}

// shares is how much room each text gets: what short ones leave, the long ones
// share alike.
func shares(texts []string, most int) []int {
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(texts[a]), len(texts[b])) })
	rooms := make([]int, len(texts))
	for n, i := range order {
		rooms[i] = min(len(texts[i]), most/(len(order)-n))
		most -= rooms[i]
	}
	return rooms
}

// Tail is the last part of what was printed, from the beginning of a line where
// one begins in it.
func Tail(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	if _, rest, _ := strings.Cut(text, "\n"); rest != "" {
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
