package render

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/tree"
)

// Opener opens files that are encrypted.
type Opener interface {
	// Open is a file's content, decrypted if it is encrypted, and the values
	// that were. Of another file it is what was handed in. An error that has a
	// method Retry() bool which says so may go away without a change of the files.
	Open(files tree.Reader, file string, content []byte) (plain []byte, secrets []string, err error)
}

// Unsealer opens objects that are encrypted by themselves.
type Unsealer interface {
	// Unseal is the object that a sealed one stands for, and the values that were
	// sealed. Where it names no namespace, it is one of the namespace that is
	// given. Without a key for it, it is what was handed in; of an object that
	// isn't sealed, the values are nil. Errors are as Opener's.
	Unseal(o object.Object, namespace string) (made object.Object, secrets []string, err error)
}

// Opening is a Set that reads encrypted files as what they hold, whichever the
// renderer and whatever it takes the file for. The inputs are the files as they
// are in Git.
//
// What was decrypted goes on in objects alone: Secrets hide it by themselves, and
// other objects that hold some of it get the annotation plumb.dev/sensitive
// for these fields, so that all who show objects hide them as well. It is taken
// out of errors and notices.
type Opening struct {
	Set
	Opener Opener
	// Unsealer opens what was rendered and is sealed; nil opens nothing.
	Unsealer Unsealer
}

// Render implements Whole.
func (o Opening) Render(ctx context.Context, w Work) (Result, error) {
	return o.Set.render(ctx, w, &opened{by: o.Opener, unsealer: o.Unsealer, namespace: w.Params.Release.Namespace})
}

// ErrUnopened marks an error about an encrypted file that may go away without a
// change of the files: another key will do.
var ErrUnopened = errors.New("an encrypted file can't be read")

// opened is what is secret of what one render read: what was decrypted, and
// what the target gave.
type opened struct {
	by        Opener   // nil opens nothing
	unsealer  Unsealer // nil opens nothing
	namespace string   // of objects that name none
	secrets   []string
	any       bool
	failed    error // about the first that can't be opened
}

// open is a file's content as renderers get it.
func (o *opened) open(files tree.Reader, file string, content []byte) ([]byte, error) {
	if o.by == nil {
		return content, nil
	}
	plain, secrets, err := o.by.Open(files, file, content)
	if err != nil {
		if o.failed == nil {
			o.failed = err
		}
		return nil, err
	}
	o.any = o.any || secrets != nil
	o.secrets = append(o.secrets, secrets...)
	return plain, nil
}

// unseal puts what sealed objects stand for into their place. Even if there is
// no key for them yet, that counts as opened: a key may come.
func (o *opened) unseal(objects []object.Object) ([]object.Object, error) {
	if o.unsealer == nil {
		return objects, nil
	}
	var errs []error
	any := false
	for i, sealed := range objects {
		made, secrets, err := o.unsealer.Unseal(sealed, o.namespace)
		if err != nil {
			err = fmt.Errorf("%s: %s: %w", sealed.Origin, sealed.Key(), err)
			if errs = append(errs, err); o.failed == nil {
				o.failed = err
			}
			continue
		}
		any = any || secrets != nil
		o.secrets = append(o.secrets, secrets...)
		objects[i] = made
	}
	o.any = o.any || any
	if len(errs) > 0 {
		return nil, Join(errs)
	}
	if any {
		return check(objects) // it may be declared as a Secret, too
	}
	return objects, nil
}

// settle finishes a render: what was decrypted is marked in its objects, and
// taken out of what is said about it.
func (o *opened) settle(result *Result, err error) error {
	if err == nil {
		result.Objects, err = o.unseal(result.Objects)
	}
	if err == nil {
		err = leftSealed(result.Objects)
	}
	result.Opened = o.any
	values := redact.NewValues(o.secrets)
	if !values.Empty() {
		for i, notice := range result.Notices {
			result.Notices[i] = values.Text(notice)
		}
		for _, made := range result.Objects {
			markSensitive(made, values)
		}
	}
	return o.told(values, err)
}

// told is an error as it may be told. A file that can't be opened comes first:
// libraries take it for an absent one, and complain of that.
func (o *opened) told(values redact.Values, err error) error {
	if o.failed != nil && !errors.Is(err, o.failed) {
		err = o.failed
	}
	var again interface{ Retry() bool }
	if errors.As(o.failed, &again) && again.Retry() {
		err = unopened{err}
	}
	return quietly(values, err)
}

// unopened is an error that is an ErrUnopened, and says all by itself.
type unopened struct{ error }

func (u unopened) Is(target error) bool { return target == ErrUnopened }
func (u unopened) Unwrap() error        { return u.error }

// ciphertext is a value as SOPS encrypts it.
var ciphertext = regexp.MustCompile(`^ENC\[AES256_GCM,data:[^,]+,iv:[^,]+,tag:[^,]+,type:[a-z]+\]\s*$`)

// leftSealed says which Secrets still hold what SOPS encrypted: nothing in their
// files told that there was something to open. No pod could use such a value.
func leftSealed(objects []object.Object) error {
	var errs []error
	for _, o := range objects {
		if gvk := o.GroupVersionKind(); gvk.Kind != "Secret" || gvk.Group != "" {
			continue
		}
		if field := sealedField(o.Object); field != "" {
			errs = append(errs, fmt.Errorf("%s: %s: %s is still encrypted with SOPS: its file has no section sops, or not in its first document; "+
				"encrypt the whole file with sops", o.Origin, o.Key(), field))
		}
	}
	return Join(errs)
}

// sealedField is the first field of a Secret, by name, that SOPS encrypted.
func sealedField(secret map[string]any) string {
	for _, of := range []string{"data", "stringData"} {
		values, _ := secret[of].(map[string]any)
		for _, name := range sortedKeys(values) {
			text, _ := values[name].(string)
			if plain, err := base64.StdEncoding.DecodeString(text); of == "data" && err == nil {
				text = string(plain)
			}
			if ciphertext.MatchString(text) {
				return of + "." + name
			}
		}
	}
	return ""
}

// quiet is an error whose text is without secrets. What it is about can be
// asked with errors.Is, but the error itself can't be had.
type quiet struct {
	text string
	of   error
}

func (q *quiet) Error() string        { return q.text }
func (q *quiet) Is(target error) bool { return errors.Is(q.of, target) }

func quietly(values redact.Values, err error) error {
	if err == nil || values.Empty() {
		return err
	}
	var broken *Panic
	if errors.As(err, &broken) {
		return &Panic{Renderer: broken.Renderer, Value: values.Text(fmt.Sprint(broken.Value)), Stack: broken.Stack}
	}
	return &quiet{text: values.Text(err.Error()), of: err}
}

// markSensitive marks the fields of an object that hold something secret.
func markSensitive(o object.Object, values redact.Values) {
	if gvk := o.GroupVersionKind(); gvk.Kind == "Secret" && gvk.Group == "" {
		return
	}
	pointers := values.Pointers(o.Object)
	if len(pointers) == 0 {
		return
	}
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	if given := annotations[object.AnnotationSensitive]; given != "" {
		pointers = append([]string{given}, pointers...)
	}
	annotations[object.AnnotationSensitive] = strings.Join(pointers, ",")
	o.SetAnnotations(annotations)
}
