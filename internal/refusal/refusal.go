// Package refusal turns what an API server says when it won't do something into
// what people can act on: what is wrong, and what to do.
//
// It judges what was said and nothing else: whether a server was reached at all,
// and whether to try again, is for those who asked. Of an object with hidden
// fields nothing is told that could be one of their values.
package refusal

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
)

// Of is what the server said, where an error is an answer of it.
func Of(err error) (said metav1.Status, ok bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return metav1.Status{}, false
	}
	return status.Status(), true
}

// Explain turns a refusal into what people can act on. What the server says of
// a Secret, or of another object with hidden fields, can hold their values, so
// of that only the names of the fields are kept.
func Explain(key object.Key, said metav1.Status, mask redact.Mask) error {
	if mask.Hides() || key.Group == "" && key.Kind == "Secret" {
		return fmt.Errorf("the API server refused it: %s", withoutValues(said))
	}
	message := plainValue.ReplaceAllString(mask.Text(said.Message), "$1")
	err := &apierrors.StatusError{ErrStatus: said}
	switch {
	case plan.StageOf(key) == plan.StageDefinition && apierrors.IsInvalid(err):
		return explainDefinition(message)
	case apierrors.IsInvalid(err) && strings.Contains(message, "field is immutable"):
		return fmt.Errorf("%s; the field can't be changed in place: undo the change, or delete the object so that it is made anew", message)
	case apierrors.IsForbidden(err) && strings.Contains(message, "exceeded quota"):
		return fmt.Errorf("%s; ask for less, or raise the ResourceQuota", message)
	case apierrors.IsForbidden(err) && strings.Contains(message, "because it is being terminated"):
		return fmt.Errorf("%s; it is tried again when the namespace is gone", message)
	case strings.Contains(message, "admission webhook"):
		return fmt.Errorf("%s; the webhook's rules decide this: change the object, or the webhook's configuration", message)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s; give this right to who applies (target.serviceAccount, or the daemon's own user)", message)
	case strings.Contains(message, ": expected string, got "):
		return fmt.Errorf("%s; a text is wanted there: put it in quotes", message)
	case said.Code == badRequest && strings.Contains(message, "strict decoding error"),
		strings.Contains(message, "field not declared in schema"):
		return fmt.Errorf("%s; check the spelling and the indentation, and the apiVersion", message)
	case apierrors.IsRequestEntityTooLargeError(err):
		return fmt.Errorf("%s; the object is too large for the API server: split it", message)
	default:
		return errors.New(message)
	}
}

// plainValue is how the server writes a value of a wrong type: as it holds it.
var plainValue = regexp.MustCompile(`&value\.valueUnstructured\{Value:([^{}]*)\}`)

// badRequest is the code of an answer to a request that can't be read.
const badRequest = 400

// explainDefinition says what to do about a CRD that is refused. To delete it is
// never the advice: that deletes all objects of the kind.
func explainDefinition(message string) error {
	switch {
	case strings.Contains(message, "field is immutable"):
		return fmt.Errorf("%s; it can't be changed while the kind is there: undo the change, or give the kind another name (to delete the CRD would delete all objects of it)", message)
	case strings.Contains(message, "status.storedVersions"):
		return fmt.Errorf("%s; objects are stored in that version: keep it, with served: false, until all are written anew and it is taken out of the CRD's status.storedVersions", message)
	default:
		return errors.New(message)
	}
}

// withoutValues is what was said, less all that could be a value.
func withoutValues(said metav1.Status) string {
	text := strings.TrimSpace(fmt.Sprintf("%s (%d)", said.Reason, said.Code))
	if said.Details == nil || len(said.Details.Causes) == 0 {
		return text + "; what else it said may hold hidden values and isn't shown: kubectl apply --dry-run=server tells"
	}
	for _, cause := range said.Details.Causes {
		text += fmt.Sprintf("; %s: %s", cause.Field, cause.Type)
	}
	return text
}
