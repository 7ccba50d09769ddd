package sealed

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// sealed is what a SealedSecret says.
type sealed struct {
	values    map[string]string // encrypted
	texts     map[string]string // templates
	kind      string
	immutable bool
	labels    map[string]any
	notes     map[string]any // annotations
}

// The bounds of a SealedSecret: each value costs some milliseconds.
const maxValues = 500

// read reads a SealedSecret.
func read(content map[string]any) (sealed, error) {
	spec, _ := content["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	metadata, _ := template["metadata"].(map[string]any)
	var s sealed
	var err error
	if s.values, err = textsOf("spec.encryptedData", spec["encryptedData"]); err != nil {
		return s, err
	}
	if s.texts, err = textsOf("spec.template.data", template["data"]); err != nil {
		return s, err
	}
	if old, _ := spec["data"].(string); old != "" && len(s.values) == 0 {
		return s, errors.New("spec.data is how values were sealed long ago, which isn't read: seal it again")
	}
	if len(s.values) > maxValues {
		return s, fmt.Errorf("there are %d values, above the limit of %d: split it", len(s.values), maxValues)
	}
	s.kind, _ = template["type"].(string)
	s.immutable, _ = template["immutable"].(bool)
	s.labels, _ = metadata["labels"].(map[string]any)
	s.notes, _ = metadata["annotations"].(map[string]any)
	return s, nil
}

// textsOf reads a mapping of texts.
func textsOf(field string, v any) (map[string]string, error) {
	texts := map[string]string{}
	m, isMap := v.(map[string]any)
	if v != nil && !isMap {
		return nil, fmt.Errorf("%s is no mapping", field)
	}
	for key, value := range m {
		text, isText := value.(string)
		if !isText {
			return nil, fmt.Errorf("%s.%s is no text", field, key)
		}
		texts[key] = text
	}
	return texts, nil
}

// obeyed are how annotations begin that say what is to be done with an object.
// They count for the Secret as well.
var obeyed = []string{"plumb.dev/", "argocd.argoproj.io/", "helm.sh/"}

// secret is the Secret, in the place of the SealedSecret.
func (s sealed) secret(from object.Object, values map[string]string) map[string]any {
	metadata := map[string]any{"name": from.GetName()}
	if namespace := from.GetNamespace(); namespace != "" {
		metadata["namespace"] = namespace
	}
	annotations := map[string]any{}
	for name, value := range from.GetAnnotations() {
		if slices.ContainsFunc(obeyed, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			annotations[name] = value
		}
	}
	maps.Copy(annotations, s.notes)
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	if len(s.labels) > 0 {
		metadata["labels"] = maps.Clone(s.labels)
	}
	data := map[string]any{}
	for key, value := range values {
		data[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	made := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
	if s.kind != "" {
		made["type"] = s.kind
	}
	if s.immutable {
		made["immutable"] = true
	}
	return made
}
