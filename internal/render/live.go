package render

import (
	"context"
	"encoding/base64"
	"fmt"
)

// asking is a Live that notes that it was asked, and what it told that is
// secret.
type asking struct {
	Live
	asked  *bool
	failed *error
	sealed *opened
}

// note takes in an answer that did not come: nothing follows from the files.
func (a asking) note(err error) error {
	*a.asked = true
	if err != nil && *a.failed == nil {
		*a.failed = &unanswered{err}
	}
	return err
}

// unanswered is an error of who was asked about the target. Like one of the
// files that could not be read, it says nothing about them.
type unanswered struct{ err error }

func (u *unanswered) Error() string        { return "the target could not be asked: " + u.err.Error() }
func (u *unanswered) Is(target error) bool { return target == ErrRead }
func (u *unanswered) Unwrap() error        { return u.err }

// Capabilities implements Live.
func (a asking) Capabilities(ctx context.Context) (Capabilities, error) {
	c, err := a.Live.Capabilities(ctx)
	return c, a.note(err)
}

// Object implements Live.
func (a asking) Object(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	o, err := a.Live.Object(ctx, apiVersion, kind, namespace, name)
	a.hide(o)
	return o, a.note(err)
}

// List implements Live.
func (a asking) List(ctx context.Context, apiVersion, kind, namespace string) ([]map[string]any, error) {
	list, err := a.Live.List(ctx, apiVersion, kind, namespace)
	for _, o := range list {
		a.hide(o)
	}
	return list, a.note(err)
}

// hide keeps what a live Secret holds from being told.
func (a asking) hide(o map[string]any) {
	if o["kind"] != "Secret" || o["apiVersion"] != "v1" {
		return
	}
	data, _ := o["data"].(map[string]any)
	for _, v := range data {
		encoded := fmt.Sprint(v)
		a.sealed.secrets = append(a.sealed.secrets, encoded)
		if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			a.sealed.secrets = append(a.sealed.secrets, string(plain))
		}
	}
	a.sealed.any = a.sealed.any || len(data) > 0
}
