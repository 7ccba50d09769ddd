package kube

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/target"
)

// What the API server says of a webhook that it could not call; of one that it
// did call, and that refused, it says something else.
var (
	uncalledAdmission  = regexp.MustCompile(`failed calling webhook "([^"]+)": (.*)`)
	uncalledConversion = regexp.MustCompile(`conversion webhook for ([^ ]+, Kind=[^ ]+) failed: (.*)`)
	webhookService     = regexp.MustCompile(`Post "https://([a-z0-9-]+)\.([a-z0-9-]+)\.svc[:/]`)
)

// uncalled is waitsForWebhook of what a request gave.
func uncalled(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil
	}
	return waitsForWebhook(status.Status())
}

// waitsForWebhook is the error of an object that passes through a webhook which
// can't be called, as one whose controller comes with the same App; nil where
// that isn't what the server says. Nothing of the object is in it.
func waitsForWebhook(said metav1.Status) error {
	text := strings.Join(strings.Fields(said.Message), " ")
	which, why := "the webhook ", ""
	if m := uncalledAdmission.FindStringSubmatch(text); m != nil {
		which, why = which+m[1], m[2]
	} else if m := uncalledConversion.FindStringSubmatch(text); m != nil {
		which, why = "the conversion webhook for "+strings.ReplaceAll(m[1], ", Kind=", " "), m[2]
	} else {
		return nil
	}
	if m := webhookService.FindStringSubmatch(why); m != nil {
		which += fmt.Sprintf(", served by the Service %s/%s,", m[2], m[1])
	}
	if i := strings.LastIndex(why, `": `); i >= 0 { // behind the address
		why = why[i+len(`": `):]
	}
	return fmt.Errorf("%w: %s can't be called: %s; it is tried again, at once when an object of the App becomes healthy", target.ErrSkipped, which, why)
}
