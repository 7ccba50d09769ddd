package render

import (
	"slices"

	"plumb.dev/plumb/internal/tree"
)

// KustomizationFiles are the names of the file that makes a folder a
// kustomization, in the order they are looked for.
func KustomizationFiles() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// ChartFile is the name of the file that makes a folder a Helm chart.
const ChartFile = "Chart.yaml"

// Holds finds one of several names in a folder's listing.
func Holds(entries []tree.Entry, names ...string) (string, bool) {
	i := slices.IndexFunc(entries, func(e tree.Entry) bool {
		return e.Mode != tree.Folder && slices.Contains(names, e.Name)
	})
	if i < 0 {
		return "", false
	}
	return entries[i].Name, true
}
