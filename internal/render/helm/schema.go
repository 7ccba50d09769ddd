package helm

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"plumb.dev/plumb/internal/render"
)

// schemaFile is the file with the schema of a chart's values.
const schemaFile = "values.schema.json"

// maxSchema bounds a schema: what it costs to check with one that refers to
// itself in many ways grows fast.
const maxSchema = 1 << 20

// validate holds the values of a chart, and of those it depends on, to their
// schemas. The library would do it, and fetch what a schema refers to: from the
// network, and from the host's files.
func (b *build) validate(c *chart.Chart, values map[string]any) error {
	var errs []error
	var visit func(c *chart.Chart, values map[string]any, at []string)
	visit = func(c *chart.Chart, values map[string]any, at []string) {
		if c.Schema != nil {
			errs = append(errs, conform(c, values, at)...)
		}
		for _, d := range c.Dependencies() {
			if below, isMap := values[d.Name()].(map[string]any); isMap {
				visit(d, below, append(at[:len(at):len(at)], d.Name()))
			}
		}
	}
	visit(c, values, nil)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s: the values don't fit the chart: %w", b.at(render.ChartFile), render.Join(errs))
}

// conform says where values don't fit a chart's schema. It tells paths and what
// is wanted, and not the values, which may be secret.
func conform(c *chart.Chart, values map[string]any, at []string) []error {
	name := path.Join(c.ChartFullPath(), schemaFile)
	schema, err := compile(c.Schema)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", name, err)}
	}
	err = schema.Validate(values)
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return nil
	}
	var errs []error
	for _, leaf := range leaves(wrong) {
		errs = append(errs, fmt.Errorf("%s: %s (by %s)", strings.Join(slices.Concat([]string{"values"}, at, leaf.InstanceLocation), "."), expects(leaf.ErrorKind), name))
	}
	return errs
}

// compile reads a schema. What it refers to has to be in it.
func compile(content []byte) (*jsonschema.Schema, error) {
	if len(content) > maxSchema {
		return nil, fmt.Errorf("has %d bytes, above the limit of %d; simplify it", len(content), maxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("is not valid JSON: %w; correct it", err)
	}
	const self = "file:///" + schemaFile
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nothing{})
	if err := compiler.AddResource(self, document); err != nil {
		return nil, fmt.Errorf("is no JSON schema: %w; correct it", err)
	}
	schema, err := compiler.Compile(self)
	var outside *jsonschema.LoadURLError
	switch {
	case errors.As(err, &outside):
		return nil, fmt.Errorf("refers to %s, and nothing is fetched for a render; put what it refers to into the schema itself, below $defs", outside.URL)
	case err != nil:
		return nil, fmt.Errorf("is no JSON schema: %w; correct it", err)
	}
	return schema, nil
}

// nothing loads nothing. A name (urn:) that nobody resolves allows anything, as
// with Helm.
type nothing struct{}

var errNothingFetched = errors.New("nothing is fetched for a render")

// Load implements jsonschema.URLLoader.
func (nothing) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, errNothingFetched
}

// leaves are the errors that have no cause below them.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var found []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		found = append(found, leaves(cause)...)
	}
	return found
}

// expects says what is wanted of a value, without the value.
func expects(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Pattern:
		return fmt.Sprintf("doesn't match the pattern %s", k.Want)
	case *kind.Format:
		return fmt.Sprintf("is not a valid %s", k.Want)
	case *kind.Minimum, *kind.Maximum, *kind.ExclusiveMinimum, *kind.ExclusiveMaximum, *kind.MultipleOf:
		return "is out of the range that " + strings.Join(k.KeywordPath(), "/") + " allows"
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}
