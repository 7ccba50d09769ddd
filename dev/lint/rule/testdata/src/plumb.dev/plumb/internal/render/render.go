package render

import (
	"os"            // want `os must not be imported here: .*S04`
	"path/filepath" // only what looks at the host is banned
	"strings"
)

func read(name string) ([]byte, error) { return os.ReadFile(name) }

func list(folder string) ([]string, error) {
	return filepath.Glob(filepath.Join(folder, "*")) // want `path/filepath.Glob must not be used here`
}

func clean(name string) string { return strings.TrimSpace(filepath.Base(name)) }
