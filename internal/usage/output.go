package usage

import (
	"encoding/json"
	"io"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// The formats of -o.
const (
	AsJSON = "json"
	AsYAML = "yaml"
	AsWide = "wide"
	AsName = "name"

	AsText     = "text"
	AsMarkdown = "markdown"
)

// OutputFlag adds -o with the formats that a command knows.
func OutputFlag(flags *pflag.FlagSet, value *string, formats ...string) {
	flags.VarP(OneOf(value, formats...), "output", "o", "format of the output; left out: for people")
}

// List is how several of anything are written: the same in JSON and YAML.
type List[T any] struct {
	Items []T `json:"items"`
}

// ListOf is a list that is never null.
func ListOf[T any](items []T) List[T] {
	if items == nil {
		items = []T{}
	}
	return List[T]{items}
}

// Write writes a value for programs, as JSON or YAML.
func Write(out io.Writer, format string, value any) error {
	if format == AsYAML {
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
