package helm

import (
	"cmp"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
)

// valuesFrom puts what a ConfigMap or Secret of the target holds over values: a
// file of values, or a single one.
func (b *build) valuesFrom(values map[string]any, from v1alpha1.Given) (map[string]any, error) {
	key := cmp.Or(from.Key, given.DefaultKey)
	where := fmt.Sprintf("the key %s of the %s %s", key, from.Kind, from.Name)
	found, _ := b.Given.Find(from.Kind, from.Name)
	content, has := found.Data[key]
	switch {
	case !has && from.Optional:
		return values, nil
	case !has:
		return nil, fmt.Errorf("there is no %s in the target namespace, or no target to ask; make it, or say optional: true", strings.TrimPrefix(where, "the "))
	case from.At != "":
		return values, put(values, from.At, string(content))
	}
	read, err := parseValues(where, content)
	if err != nil {
		return nil, fmt.Errorf("%s: its values are no mapping; correct it, or say with at which value it is", where)
	}
	return loader.MergeMaps(values, read), nil
}

// put sets one value as `helm --set` does: true, false, null and whole numbers
// are taken as such, and as text within quotes. All else is text as it stands;
// nothing in it has a meaning.
func put(values map[string]any, at, content string) error {
	parse := strvals.ParseInto
	for _, quote := range []string{`"`, `'`} {
		if inner, is := strings.CutPrefix(content, quote); is && strings.HasSuffix(inner, quote) {
			content, parse = strings.TrimSuffix(inner, quote), strvals.ParseIntoString
			break
		}
	}
	literal := strings.NewReplacer(`\`, `\\`, ",", `\,`).Replace(content)
	if strings.HasPrefix(literal, "{") {
		literal = `\` + literal
	}
	if err := parse(at+"="+literal, values); err != nil {
		return fmt.Errorf("at: %q names no value that can be set; write it like image.tag, with \\. for a dot in a name", at) // the library quotes the value
	}
	return nil
}
