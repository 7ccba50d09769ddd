package fit

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/replace"
)

// terms are what the App and the object itself allow beyond applying it.
type terms struct{ adopt, replace bool }

// termsOf reads them, and says what is wrong with what a Secret asks to be generated.
func termsOf(app v1alpha1.App, key object.Key, u *unstructured.Unstructured) (terms, error) {
	annotations := u.GetAnnotations()
	if key.Group == "" && key.Kind == "Secret" {
		data, _ := u.Object["data"].(map[string]any)
		if err := generate.Check(annotations, data); err != nil {
			return terms{}, err
		}
	}
	return terms{
		adopt:   app.Spec.Sync.Adopt || annotations[object.AnnotationAdopt] == "true",
		replace: replace.Listed(app.Spec.Sync.Replace, key) || annotations[object.AnnotationReplace] == object.ReplaceAllowed || hooks.ReplaceAsked(annotations),
	}, nil
}

// words are what of the terms counts into an object's digest: it is applied again
// where they change. An object without terms has the digest that it always had.
func (t terms) words() (words []string) {
	if t.adopt {
		words = append(words, "adopt")
	}
	if t.replace {
		words = append(words, "replace")
	}
	return words
}
