package server

import (
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// hidden stands for a value of a Secret. It isn't base64, so a Secret that is
// shown can't be applied by mistake in place of the real one.
const hidden = "<hidden>"

// plainFields are the fields of a Secret that hold no value of it.
var plainFields = []string{"apiVersion", "kind", "type", "immutable"}

// hideSecrets is an object's content, without the values where it is a Secret.
// stringData is shown as data, which is where the API server puts it. What else
// there is, such as a misspelt field or an annotation with a copy, is told by
// its name alone.
func hideSecrets(o object.Object) manifest {
	if key := o.Key(); key.Group != "" || key.Kind != "Secret" {
		return o.Unstructured.Object
	}
	shown, data := map[string]any{}, map[string]any{}
	for field, content := range o.Unstructured.Object {
		switch {
		case slices.Contains(plainFields, field):
			shown[field] = content
		case field == "metadata":
			shown[field] = hideMetadata(content)
		case field == "data" || field == "stringData":
			hideValues(data, content)
		default:
			shown[field] = hidden
		}
	}
	if len(data) > 0 {
		shown["data"] = data
	}
	return shown
}

func hideValues(shown map[string]any, content any) {
	values, ok := content.(map[string]any)
	if !ok && content != nil {
		shown[hidden] = hidden // not even a map: nothing of it is shown
	}
	for key := range values {
		shown[key] = hidden
	}
}

// hideMetadata shows a Secret's names and labels, and of the annotations ours.
func hideMetadata(content any) any {
	metadata, ok := content.(map[string]any)
	if !ok {
		return hidden
	}
	shown := map[string]any{}
	for field, value := range metadata {
		switch field {
		case "name", "namespace", "labels":
			shown[field] = value
		case "annotations":
			shown[field] = hideAnnotations(value)
		default:
			shown[field] = hidden
		}
	}
	return shown
}

func hideAnnotations(content any) any {
	annotations, ok := content.(map[string]any)
	if !ok {
		return hidden
	}
	shown := map[string]any{}
	for name, value := range annotations {
		shown[name] = hidden
		if strings.HasPrefix(name, object.Domain+"/") {
			shown[name] = value
		}
	}
	return shown
}
