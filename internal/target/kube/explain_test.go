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

// refusedWith is an answer of the API server.
func refusedWith(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	for _, tc := range []struct {
		name        string
		err         error
		unreachable bool
		want        string
	}{
		{"a refusal", refusedWith(http.StatusForbidden, metav1.StatusReasonForbidden, `pods "a" is forbidden: exceeded quota: q`), false,
			`pods "a" is forbidden: exceeded quota: q; ask for less, or raise the ResourceQuota`},
		{"what the server never said", errors.New("no such clock"), false, "no such clock"},
		{"what only waits", fmt.Errorf("%w: not yet", target.ErrSkipped), false, target.ErrSkipped.Error() + ": not yet"},
		{"the daemon stops", context.Canceled, false, "context canceled"},
		{"the daemon stops in the middle of a request", &url.Error{Op: "Patch", URL: "https://x", Err: context.Canceled}, false, `Patch "https://x": context canceled`},

		{"no connection", &url.Error{Op: "Patch", URL: "https://x", Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}}, true,
			`can't reach the API server: Patch "https://x": dial tcp: connection refused`},
		{"a broken connection", &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}, true, "can't reach the API server: read tcp: reset"},
		{"no answer in time", fmt.Errorf("patch: %w", context.DeadlineExceeded), true, "can't reach the API server: patch: context deadline exceeded"},
		{"a server that starts", refusedWith(503, metav1.StatusReasonServiceUnavailable, "starting"), true, "can't reach the API server: starting"},
		{"a server that is overrun", refusedWith(504, metav1.StatusReasonTimeout, "overrun"), true, "can't reach the API server: overrun"},
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

func TestALostWatchSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	gk := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	got := explainWatch(gk, refusedWith(403, metav1.StatusReasonForbidden, "no"))
	if got.Error() != "watch Deployment.apps: no; Plumb needs the verbs list and watch on it, in all namespaces" || errors.Is(got, target.ErrUnreachable) {
		t.Errorf("a right that is missing is told as %v", got)
	}
	got = explainWatch(gk, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")})
	if !errors.Is(got, target.ErrUnreachable) || !strings.Contains(got.Error(), "watch Deployment.apps: dial tcp: refused") {
		t.Errorf("a lost connection is told as %v", got)
	}
}
