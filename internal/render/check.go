package render

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
)

// The limits of what a render may yield.
const (
	// MaxObjects bounds the objects of one App.
	MaxObjects = 20_000
	// MaxObjectBytes bounds one object: no API server takes a larger one.
	MaxObjectBytes = 3 << 20
	// MaxTotalBytes bounds all objects of one App.
	MaxTotalBytes = 64 << 20
)

// check makes what a renderer yielded sound, or says what is wrong with it:
// declarations are left out, what only a server sets is taken away, and names,
// keys and sizes are held to their rules.
func check(objects []object.Object) ([]object.Object, error) {
	if len(objects) > MaxObjects {
		return nil, fmt.Errorf("there are %d objects, above the limit of %d: split the App", len(objects), MaxObjects)
	}
	var sound []object.Object
	var errs []error
	total := 0
	first := map[object.Key]object.Origin{}
	for _, o := range objects {
		if o.GroupVersionKind().Group == v1alpha1.Group {
			continue
		}
		strip(o.Object)
		hooks.Name(o)
		size := weigh(o.Object)
		total += size
		err := checkObject(o, size)
		if before, twice := first[o.Key()]; err == nil && twice {
			err = fmt.Errorf("is declared twice, the first time at %s: remove one of them", before)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", o.Origin, o.Key(), err))
			continue
		}
		first[o.Key()] = o.Origin
		sound = append(sound, o)
	}
	if total > MaxTotalBytes {
		errs = append(errs, fmt.Errorf("the objects have %d bytes, above the limit of %d: split the App", total, MaxTotalBytes))
	}
	if len(errs) > 0 {
		return nil, Join(errs)
	}
	return sound, nil
}

// checkObject says what is wrong with one object by itself.
func checkObject(o object.Object, size int) error {
	gvk := o.GroupVersionKind()
	metadata, _ := o.Object["metadata"].(map[string]any)
	switch name, namespace := o.GetName(), o.GetNamespace(); {
	case gvk.Version == "" || gvk.Kind == "":
		return fmt.Errorf("apiVersion %q and kind %q name no kind: correct them", o.GetAPIVersion(), o.GetKind())
	case name == "" && o.GetGenerateName() != "":
		return fmt.Errorf("has generateName but no name, so each apply would make another one: give it metadata.name")
	case name == "":
		return fmt.Errorf("has no name: give it metadata.name")
	case len(name) > validation.DNS1123SubdomainMaxLength || len(content.IsPathSegmentName(name)) > 0:
		return fmt.Errorf("the name %q can't be used: %s", name, badName(name))
	case namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0:
		return fmt.Errorf("the namespace %q can't be used: %s", namespace, validation.IsDNS1123Label(namespace)[0])
	case metadata["namespace"] != nil && namespace == "" && metadata["namespace"] != "":
		return fmt.Errorf("metadata.namespace is %s, not text: quote it", kindOf(metadata["namespace"]))
	case size > MaxObjectBytes:
		return fmt.Errorf("has %d bytes, above the limit of %d of an API server: split it", size, MaxObjectBytes)
	}
	if err := checkTexts("metadata.labels", metadata["labels"]); err != nil {
		return err
	}
	return checkTexts("metadata.annotations", metadata["annotations"])
}

func badName(name string) string {
	if len(name) > validation.DNS1123SubdomainMaxLength {
		return fmt.Sprintf("it has more than %d characters", validation.DNS1123SubdomainMaxLength)
	}
	return strings.Join(content.IsPathSegmentName(name), ", ")
}

// checkTexts says whether labels or annotations map text to text. That they
// don't is often a version or a switch that was left unquoted. One that has no
// value becomes empty text, as it would on an API server: charts print such.
func checkTexts(field string, v any) error {
	if v == nil {
		return nil
	}
	m, isMap := v.(map[string]any)
	if !isMap {
		return fmt.Errorf("%s is %s, not a mapping: correct it", field, kindOf(v))
	}
	for _, k := range sortedKeys(m) {
		if m[k] == nil {
			m[k] = ""
		}
		if _, isText := m[k].(string); !isText {
			return fmt.Errorf("%s: %s is %s, not text: quote it", field, k, kindOf(m[k]))
		}
	}
	return nil
}

// kindOf names a value's kind. The value itself may be secret.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "empty"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a number"
}

// serverFields are those of metadata that only an API server sets.
var serverFields = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid",
}

// serverAnnotations are set by kubectl and controllers, for themselves.
var serverAnnotations = []string{"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"}

// strip takes away what only a server sets. People commit what `kubectl get -o
// yaml` printed; applied as it is, it would be refused, or fight with the server.
func strip(o map[string]any) {
	delete(o, "status")
	metadata, _ := o["metadata"].(map[string]any)
	for _, field := range serverFields {
		delete(metadata, field)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	before := len(annotations)
	for _, name := range serverAnnotations {
		delete(annotations, name)
	}
	if before > 0 && len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// weigh is about how many bytes a value has as JSON, found without writing it.
func weigh(v any) int {
	const scalar = 8
	switch v := v.(type) {
	case string:
		return len(v) + 2
	case []any:
		sum := 2
		for _, item := range v {
			sum += weigh(item) + 1
		}
		return sum
	case map[string]any:
		sum := 2
		for k, item := range v {
			sum += len(k) + 4 + weigh(item)
		}
		return sum
	}
	return scalar
}
