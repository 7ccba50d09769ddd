package cli

import (
	"encoding/json"
	"io"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/usage"
)

// The formats of -o.
const (
	asJSON = "json"
	asYAML = "yaml"
	asWide = "wide"
	asName = "name"

	asText     = "text"
	asMarkdown = "markdown"
)

// outputFlag adds -o with the formats that a command knows.
func outputFlag(flags *pflag.FlagSet, value *string, formats ...string) {
	flags.VarP(usage.OneOf(value, formats...), "output", "o", "format of the output; left out: for people")
}

// list is how several of anything are written: the same in JSON and YAML.
type list[T any] struct {
	Items []T `json:"items"`
}

// listOf is a list that is never null.
func listOf[T any](items []T) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{items}
}

// write writes a value for programs, as JSON or YAML.
func write(out io.Writer, format string, value any) error {
	if format == asYAML {
		content, err := yaml.Marshal(value)
		if err != nil {
			return err
		}
		_, err = out.Write(content)
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
