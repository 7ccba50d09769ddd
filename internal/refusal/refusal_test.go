package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
)

// answer is one of the API server.
func answer(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) metav1.Status {
	s := metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}
	if len(causes) > 0 {
		s.Details = &metav1.StatusDetails{Causes: causes}
	}
	return s
}

func TestOf(t *testing.T) {
	t.Parallel()
	want := answer(http.StatusConflict, metav1.StatusReasonConflict, "no")
	refused := error(&apierrors.StatusError{ErrStatus: want})
	for _, err := range []error{refused, fmt.Errorf("apply: %w", refused)} {
		if said, ok := Of(err); !ok || said.Message != want.Message || said.Code != want.Code {
			t.Errorf("of %v it makes %+v, %v", err, said, ok)
		}
	}
	for _, err := range []error{nil, errors.New("no such clock")} {
		if said, ok := Of(err); ok {
			t.Errorf("of %v it makes %+v", err, said)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	const invalid, forbidden = http.StatusUnprocessableEntity, http.StatusForbidden
	for _, tc := range []struct {
		name string
		said metav1.Status
		want string
	}{
		{"an immutable field", answer(invalid, metav1.StatusReasonInvalid, "spec.selector: field is immutable"),
			"spec.selector: field is immutable; the field can't be changed in place: undo the change, or delete the object so that it is made anew"},
		{"another invalid field", answer(invalid, metav1.StatusReasonInvalid, "spec.replicas: must be positive"), "spec.replicas: must be positive"},
		{"a quota", answer(forbidden, metav1.StatusReasonForbidden, `pods "a" is forbidden: exceeded quota: q`),
			`pods "a" is forbidden: exceeded quota: q; ask for less, or raise the ResourceQuota`},
		{"a namespace that ends", answer(forbidden, metav1.StatusReasonForbidden, `unable to create in namespace shop because it is being terminated`),
			"unable to create in namespace shop because it is being terminated; it is tried again when the namespace is gone"},
		{"a webhook", answer(forbidden, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: no`),
			`admission webhook "w" denied the request: no; the webhook's rules decide this: change the object, or the webhook's configuration`},
		{"a webhook that uses another code", answer(400, metav1.StatusReasonBadRequest, `admission webhook "w" denied the request: no`),
			`admission webhook "w" denied the request: no; the webhook's rules decide this: change the object, or the webhook's configuration`},
		{"a right that is missing", answer(forbidden, metav1.StatusReasonForbidden, `deployments.apps "web" is forbidden: User "x" cannot patch`),
			`deployments.apps "web" is forbidden: User "x" cannot patch; give this right to who applies (target.serviceAccount, or the daemon's own user)`},
		{"an unknown field", answer(400, metav1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.replicaz"`),
			`strict decoding error: unknown field "spec.replicaz"; check the spelling and the indentation, and the apiVersion`},
		{"an unknown field, as an apply tells it", answer(500, metav1.StatusReasonInternalError, `failed to create typed patch object: .spec.replicaz: field not declared in schema`),
			`failed to create typed patch object: .spec.replicaz: field not declared in schema; check the spelling and the indentation, and the apiVersion`},
		{"a value of a wrong type", answer(500, metav1.StatusReasonInternalError, `failed to create typed patch object (shop/a; /v1, Kind=ConfigMap): .data.port: expected string, got &value.valueUnstructured{Value:5432}`),
			`failed to create typed patch object (shop/a; /v1, Kind=ConfigMap): .data.port: expected string, got 5432; a text is wanted there: put it in quotes`},
		{"an object that is too large", apierrors.NewRequestEntityTooLargeError("limit is 3145728").Status(),
			"Request entity too large: limit is 3145728; the object is too large for the API server: split it"},
		{"anything else", answer(409, metav1.StatusReasonConflict, "the object has been modified"), "the object has been modified"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Explain(web, tc.said, redact.Mask{}); got == nil || got.Error() != tc.want {
				t.Errorf("it says\n%v, want\n%s", got, tc.want)
			}
		})
	}
}

// To delete a CRD deletes all objects of its kind, so that is never the advice.
func TestExplainADefinition(t *testing.T) {
	t.Parallel()
	gears := object.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "gears.example.com"}
	for message, want := range map[string]string{
		"spec.scope: field is immutable":                       "to delete the CRD would delete all objects of it",
		"status.storedVersions[0]: Invalid value: \"v1beta1\"": "keep it, with served: false",
		"spec.versions: must have one stored":                  "spec.versions: must have one stored",
	} {
		if got := Explain(gears, answer(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, message), redact.Mask{}); !strings.Contains(got.Error(), want) {
			t.Errorf("of %q it says %v, want %q", message, got, want)
		}
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
		said metav1.Status
		want string
	}{
		{"an invalid value", answer(422, metav1.StatusReasonInvalid, `Secret "token" is invalid: data[password]: Invalid value: "hunter2"`, value),
			"the API server refused it: Invalid (422); data[password]: FieldValueInvalid"},
		{"two of them", answer(422, metav1.StatusReasonInvalid, "hunter2", value, metav1.StatusCause{Type: metav1.CauseTypeFieldValueRequired, Field: "type", Message: "hunter2"}),
			"the API server refused it: Invalid (422); data[password]: FieldValueInvalid; type: FieldValueRequired"},
		{"an immutable one", answer(422, metav1.StatusReasonInvalid, `data: Forbidden: field is immutable: "hunter2"`), "the API server refused it: Invalid (422)" + withheld},
		{"a webhook", answer(403, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: hunter2 is too weak`), "the API server refused it: Forbidden (403)" + withheld},
		{"illegal base64", answer(400, metav1.StatusReasonBadRequest, `illegal base64 data at input byte 7: "hunter2"`), "the API server refused it: BadRequest (400)" + withheld},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := Explain(secret, tc.said, redact.Mask{})
			if got == nil || got.Error() != tc.want {
				t.Errorf("it says\n%v, want\n%s", got, tc.want)
			}
			for _, inner := range unwrapped(got) {
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

// withheld follows where nothing of the refusal can be told.
const withheld = "; what else it said may hold hidden values and isn't shown: kubectl apply --dry-run=server tells"

func TestUncalled(t *testing.T) {
	t.Parallel()
	const again = "; it is tried again, at once when an object of the App becomes healthy"
	for message, want := range map[string]string{
		`admission webhook "w" denied the request: no`: "",
		`Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https://hook.shop.svc:443/check?timeout=10s": service "hook" not found`: "the webhook w.example.com, served by the Service shop/hook, can't be called: service \"hook\" not found" + again,
		`Internal error occurred: failed calling webhook "w.example.com": no endpoints`:                                                                                         "the webhook w.example.com can't be called: no endpoints" + again,
		`conversion webhook for example.com/v1, Kind=Gear failed: Post "https://hook.shop.svc/convert": dial tcp: refused`:                                                      "the conversion webhook for example.com/v1 Gear, served by the Service shop/hook, can't be called: dial tcp: refused" + again,
	} {
		if got := Uncalled(metav1.Status{Message: message}); got != want {
			t.Errorf("of %q it says\n%s, want\n%s", message, got, want)
		}
	}
}
