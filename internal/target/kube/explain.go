package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/refusal"
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

// explainMasked turns what went wrong with an object into what people can act
// on, with nothing in it that the mask hides.
func explainMasked(key object.Key, err error, mask redact.Mask) error {
	if err == nil || isUnreachable(err) {
		return unreachable(err)
	}
	said, ok := refusal.Of(err)
	if !ok {
		return err
	}
	if why := refusal.Uncalled(said); why != "" {
		return fmt.Errorf("%w: %s", target.ErrSkipped, why)
	}
	return refusal.Explain(key, said, mask)
}

// uncalled says which webhook can't be called; empty where that isn't what is wrong.
func uncalled(err error) string {
	said, _ := refusal.Of(err)
	return refusal.Uncalled(said)
}
