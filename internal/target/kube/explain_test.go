package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

// refusal is an answer of the API server.
func refusal(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
	s := metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}
	if len(causes) > 0 {
		s.Details = &metav1.StatusDetails{Causes: causes}
	}
	return &apierrors.StatusError{ErrStatus: s}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	const invalid, forbidden = http.StatusUnprocessableEntity, http.StatusForbidden
	for _, tc := range []struct {
		name        string
		err         error
		unreachable bool
		want        string
	}{
		{"an immutable field", refusal(invalid, metav1.StatusReasonInvalid, "spec.selector: field is immutable"), false,
			"spec.selector: field is immutable; the field can't be changed in place: undo the change, or delete the object so that it is made anew"},
		{"another invalid field", refusal(invalid, metav1.StatusReasonInvalid, "spec.replicas: must be positive"), false, "spec.replicas: must be positive"},
		{"a quota", refusal(forbidden, metav1.StatusReasonForbidden, `pods "a" is forbidden: exceeded quota: q`), false,
			`pods "a" is forbidden: exceeded quota: q; ask for less, or raise the ResourceQuota`},
		{"a namespace that ends", refusal(forbidden, metav1.StatusReasonForbidden, `unable to create in namespace shop because it is being terminated`), false,
			"unable to create in namespace shop because it is being terminated; it is tried again when the namespace is gone"},
		{"a webhook", refusal(forbidden, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: no`), false,
			`admission webhook "w" denied the request: no; the webhook's rules decide this: change the object, or the webhook's configuration`},
		{"a webhook that uses another code", refusal(400, metav1.StatusReasonBadRequest, `admission webhook "w" denied the request: no`), false,
			`admission webhook "w" denied the request: no; the webhook's rules decide this: change the object, or the webhook's configuration`},
		{"a right that is missing", refusal(forbidden, metav1.StatusReasonForbidden, `deployments.apps "web" is forbidden: User "x" cannot patch`), false,
			`deployments.apps "web" is forbidden: User "x" cannot patch; give this right to who applies (target.serviceAccount, or the daemon's own user)`},
		{"an unknown field", refusal(400, metav1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.replicaz"`), false,
			`strict decoding error: unknown field "spec.replicaz"; check the spelling and the indentation, and the apiVersion`},
		{"an unknown field, as an apply tells it", refusal(500, metav1.StatusReasonInternalError, `failed to create typed patch object: .spec.replicaz: field not declared in schema`), false,
			`failed to create typed patch object: .spec.replicaz: field not declared in schema; check the spelling and the indentation, and the apiVersion`},
		{"an object that is too large", apierrors.NewRequestEntityTooLargeError("limit is 3145728"), false,
			"Request entity too large: limit is 3145728; the object is too large for the API server: split it"},
		{"anything else", refusal(409, metav1.StatusReasonConflict, "the object has been modified"), false, "the object has been modified"},
		{"what the server never said", errors.New("no such clock"), false, "no such clock"},
		{"what only waits", fmt.Errorf("%w: not yet", target.ErrSkipped), false, target.ErrSkipped.Error() + ": not yet"},
		{"the daemon stops", context.Canceled, false, "context canceled"},
		{"the daemon stops in the middle of a request", &url.Error{Op: "Patch", URL: "https://x", Err: context.Canceled}, false, `Patch "https://x": context canceled`},

		{"no connection", &url.Error{Op: "Patch", URL: "https://x", Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}}, true,
			`can't reach the API server: Patch "https://x": dial tcp: connection refused`},
		{"a broken connection", &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}, true, "can't reach the API server: read tcp: reset"},
		{"no answer in time", fmt.Errorf("patch: %w", context.DeadlineExceeded), true, "can't reach the API server: patch: context deadline exceeded"},
		{"a server that starts", refusal(503, metav1.StatusReasonServiceUnavailable, "starting"), true, "can't reach the API server: starting"},
		{"a server that is overrun", refusal(504, metav1.StatusReasonTimeout, "overrun"), true, "can't reach the API server: overrun"},
		{"a server that asks to come again", apierrors.NewServerTimeout(schema.GroupResource{Resource: "pods"}, "patch", 1), true,
			"can't reach the API server: The patch operation against pods could not be completed at this time, please try again."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{tc.err, fmt.Errorf("%w", tc.err)} {
				got := explain(web, err)
				if got == nil || got.Error() != tc.want {
					t.Errorf("it says\n%v, want\n%s", got, tc.want)
				}
				if errors.Is(got, target.ErrUnreachable) != tc.unreachable {
					t.Errorf("unreachable is %v, want %v", !tc.unreachable, tc.unreachable)
				}
				if errors.Is(err, target.ErrSkipped) != errors.Is(got, target.ErrSkipped) {
					t.Errorf("%v: what it is can't be told any more", got)
				}
			}
		})
	}
	if err := explain(web, nil); err != nil {
		t.Errorf("of no error it says %v", err)
	}
}

// The server quotes values in what it says of a wrong field, and a webhook may
// say anything. Of a Secret none of it may be told.
func TestOfASecretNoValueIsTold(t *testing.T) {
	t.Parallel()
	secret := object.Key{Kind: "Secret", Namespace: "shop", Name: "token"}
	value := metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "data[password]", Message: `Invalid value: "hunter2"`}
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"an invalid value", refusal(422, metav1.StatusReasonInvalid, `Secret "token" is invalid: data[password]: Invalid value: "hunter2"`, value),
			"the API server refused it: Invalid (422); data[password]: FieldValueInvalid"},
		{"two of them", refusal(422, metav1.StatusReasonInvalid, "hunter2", value, metav1.StatusCause{Type: metav1.CauseTypeFieldValueRequired, Field: "type", Message: "hunter2"}),
			"the API server refused it: Invalid (422); data[password]: FieldValueInvalid; type: FieldValueRequired"},
		{"an immutable one", refusal(422, metav1.StatusReasonInvalid, `data: Forbidden: field is immutable: "hunter2"`), "the API server refused it: Invalid (422)" + withheld},
		{"a webhook", refusal(403, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: hunter2 is too weak`), "the API server refused it: Forbidden (403)" + withheld},
		{"illegal base64", refusal(400, metav1.StatusReasonBadRequest, `illegal base64 data at input byte 7: "hunter2"`), "the API server refused it: BadRequest (400)" + withheld},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{tc.err, fmt.Errorf("%w", tc.err)} {
				got := explain(secret, err)
				if got == nil || got.Error() != tc.want {
					t.Errorf("it says\n%v, want\n%s", got, tc.want)
				}
			}
			for _, inner := range unwrapped(explain(secret, tc.err)) {
				if strings.Contains(inner.Error(), "hunter2") {
					t.Errorf("an error inside tells the value: %v", inner)
				}
			}
		})
	}
}

// unwrapped lists an error and all that it wraps: logs may print any of it.
func unwrapped(err error) []error {
	all := []error{err}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		if inner := w.Unwrap(); inner != nil {
			all = append(all, unwrapped(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			all = append(all, unwrapped(inner)...)
		}
	}
	return all
}

func TestALostWatchSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	gk := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	got := explainWatch(gk, refusal(403, metav1.StatusReasonForbidden, "no"))
	if got.Error() != "watch Deployment.apps: no; Plumb needs the verbs list and watch on it, in all namespaces" || errors.Is(got, target.ErrUnreachable) {
		t.Errorf("a right that is missing is told as %v", got)
	}
	got = explainWatch(gk, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")})
	if !errors.Is(got, target.ErrUnreachable) || !strings.Contains(got.Error(), "watch Deployment.apps: dial tcp: refused") {
		t.Errorf("a lost connection is told as %v", got)
	}
}

// withheld follows where nothing of the refusal can be told.
const withheld = "; what else it said may hold hidden values and isn't shown: kubectl apply --dry-run=server tells"
