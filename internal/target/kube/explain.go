package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/target"
)

// unreachable marks an error as the target's absence where it is one.
func unreachable(err error) error {
	if isUnreachable(err) {
		return fmt.Errorf("%w: %w", target.ErrUnreachable, err)
	}
	return err
}

// isUnreachable tells an answer that never came from a refusal.
func isUnreachable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var network *net.OpError
	var request *url.Error
	return errors.As(err, &network) || errors.As(err, &request) || errors.Is(err, context.DeadlineExceeded) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err)
}

// refused says that the server answered and won't: asking again is no use.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
}

func explainWatch(gk schema.GroupKind, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("watch %s: %w; Plumb needs the verbs list and watch on it, in all namespaces", gk, err)
	}
	return unreachable(fmt.Errorf("watch %s: %w", gk, err))
}

// explain is explainMasked where nothing is known of what the object holds.
func explain(key object.Key, err error) error { return explainMasked(key, err, redact.Mask{}) }

// explainMasked turns the server's refusal into what people can act on. What
// the server says of a Secret, or of another object with hidden fields, can hold
// their values, so of that only the names of the fields are kept.
func explainMasked(key object.Key, err error, mask redact.Mask) error {
	if err == nil || isUnreachable(err) {
		return unreachable(err)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err
	}
	said := status.Status()
	if waits := waitsForWebhook(said); waits != nil {
		return waits
	}
	if mask.Hides() || key.Group == "" && key.Kind == "Secret" {
		return fmt.Errorf("the API server refused it: %s", withoutValues(said))
	}
	message := mask.Text(said.Message)
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
	case said.Code == http.StatusBadRequest && strings.Contains(message, "strict decoding error"),
		strings.Contains(message, "field not declared in schema"):
		return fmt.Errorf("%s; check the spelling and the indentation, and the apiVersion", message)
	case apierrors.IsRequestEntityTooLargeError(err):
		return fmt.Errorf("%s; the object is too large for the API server: split it", message)
	default:
		return errors.New(message)
	}
}

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
