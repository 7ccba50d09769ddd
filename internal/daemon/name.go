package daemon

import "plumb.dev/plumb/internal/source"

// RootName is what is written on objects about where their App is declared: the
// repository, and the folder in it where that isn't all of it.
func RootName(root source.Ref, path string) string {
	if path == "" {
		return root.URL
	}
	return root.URL + "//" + path
}
