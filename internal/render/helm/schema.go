package helm

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
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

// maxSchema bounds a schema. Real ones, made of all that Kubernetes knows, come
// to about a quarter of it.
const maxSchema = 4 << 20

// validate holds the values of a chart, and of those it depends on, to their
// schemas. The library would do it, and fetch what a schema refers to: from the
// network, and from the host's files. Charts that refer to the network are many:
// they have to be rendered all the same.
func (b *build) validate(c *chart.Chart, values map[string]any) error {
	var errs []error
	var visit func(c *chart.Chart, values map[string]any, at []string)
	visit = func(c *chart.Chart, values map[string]any, at []string) {
		if c.Schema != nil {
			errs = append(errs, b.conform(c, values, at)...)
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
func (b *build) conform(c *chart.Chart, values map[string]any, at []string) []error {
	name := path.Join(c.ChartFullPath(), schemaFile)
	schema, unfetched, err := compile(c.Schema)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", name, err)}
	}
	if len(unfetched) > 0 {
		b.Notice(fmt.Sprintf("%s: refers to %s, and nothing is fetched for a render: what stands there isn't checked", name, strings.Join(unfetched, " and ")))
	}
	err = schema.Validate(values)
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return nil
	}
	var errs []error
	for _, leaf := range leaves(wrong) {
		if len(unfetched) > 0 && tooOpen(leaf.ErrorKind) {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %s (by %s)", strings.Join(slices.Concat([]string{"values"}, at, leaf.InstanceLocation), "."), expects(leaf.ErrorKind), name))
	}
	return errs
}

// compile reads a schema. What it refers to has to be in it, or on the network,
// where nobody looks: that allows anything, and is told.
func compile(content []byte) (schema *jsonschema.Schema, unfetched []string, err error) {
	if len(content) > maxSchema {
		return nil, nil, fmt.Errorf("has %d bytes, above the limit of %d; simplify it", len(content), maxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return nil, nil, fmt.Errorf("is not valid JSON: %w; correct it", err)
	}
	var outside *jsonschema.LoadURLError
	schema, err = compiled(document)
	if errors.As(err, &outside) {
		unfetched = unresolved(document)
		schema, err = compiled(document)
	}
	switch {
	case errors.As(err, &outside):
		return nil, nil, fmt.Errorf("refers to %s, and nothing is fetched for a render; put what it refers to into the schema itself, below $defs", outside.URL)
	case err != nil:
		return nil, nil, fmt.Errorf("is no JSON schema: %w; correct it", err)
	}
	return schema, unfetched, nil
}

func compiled(document any) (*jsonschema.Schema, error) {
	const self = "file:///" + schemaFile
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nothing{})
	if err := compiler.AddResource(self, document); err != nil {
		return nil, err
	}
	return compiler.Compile(self)
}

// anything is a name that nobody resolves.
const anything = "urn:unfetched"

// unresolved makes a schema's references to the network ones to anything, and
// returns where they lead. What the schema itself is or has by that name stays.
func unresolved(document any) []string {
	own := map[string]bool{}
	each(document, func(m map[string]any) {
		for _, key := range []string{"$id", "id"} {
			if id, is := m[key].(string); is {
				own[withoutFragment(id)] = true
			}
		}
	})
	led := map[string]bool{}
	each(document, func(m map[string]any) {
		to, _ := m["$ref"].(string)
		base := withoutFragment(to)
		if !own[base] && (strings.HasPrefix(base, "https://") || strings.HasPrefix(base, "http://")) {
			led[base] = true
			m["$ref"] = anything
		}
	})
	return slices.Sorted(maps.Keys(led))
}

func withoutFragment(reference string) string {
	base, _, _ := strings.Cut(reference, "#")
	return base
}

// each visits every mapping in a document.
func each(document any, visit func(map[string]any)) {
	switch v := document.(type) {
	case []any:
		for _, item := range v {
			each(item, visit)
		}
	case map[string]any:
		visit(v)
		for _, item := range v {
			each(item, visit)
		}
	}
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

// tooOpen says of an error that it may be there because what isn't known allows
// anything: then too many of several schemas fit, or one that must not fit.
func tooOpen(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.OneOf, *kind.Not:
		return true
	}
	return false
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
