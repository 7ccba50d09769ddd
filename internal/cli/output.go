package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// The formats of -o.
const (
	asJSON = "json"
	asYAML = "yaml"
	asWide = "wide"
	asName = "name"
)

// outputFlag adds -o with the formats that a command knows.
func outputFlag(flags *pflag.FlagSet, value *string, formats ...string) {
	flags.VarP(oneOf(value, formats...), "output", "o", "format of the output; left out: for people")
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

// age is how long ago a time was, in one unit; empty for no time.
func age(now, then time.Time) string {
	if then.IsZero() {
		return ""
	}
	return short(max(now.Sub(then), 0))
}

// short is a duration in its greatest unit.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 2*365*day:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dy", d/(365*day))
}

// shortCommit is a commit's first eight characters.
func shortCommit(commit string) string { return commit[:min(len(commit), 8)] }
