package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/refusal"
	"plumb.dev/plumb/internal/sides"
	"plumb.dev/plumb/internal/target"
)

// coming are what comes with the objects of a check, and so needn't be there yet.
type coming struct {
	namespaces []string
	kinds      map[schema.GroupKind]bool
}

func comingWith(as target.Actor, desired []plan.Desired) coming {
	with := coming{kinds: map[schema.GroupKind]bool{}}
	if !as.Values {
		return with
	}
	if as.CreateNamespace {
		with.namespaces = append(with.namespaces, as.Namespace)
	}
	for _, d := range desired {
		switch plan.StageOf(d.Key) {
		case plan.StageNamespace:
			with.namespaces = append(with.namespaces, d.Key.Name)
		case plan.StageDefinition:
			u := &unstructured.Unstructured{}
			if u.UnmarshalJSON(d.Body) == nil {
				group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
				kindName, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
				with.kinds[schema.GroupKind{Group: group, Kind: kindName}] = true
			}
		}
	}
	return with
}

// missing is a declared object that isn't there.
type missing struct {
	plan.Desired
	declared map[string]any
	mask     redact.Mask
	with     coming
	err      error // what the look at it gave
}

// checkMissing asks the server whether it would take an object that isn't there.
func (c *Cluster) checkMissing(ctx context.Context, as target.Actor, m missing) target.Finding {
	f := target.Finding{Key: m.Key, Differs: true}
	made, err := c.tryToMake(ctx, as, m)
	switch {
	case errors.Is(err, target.ErrSkipped) && m.with.kinds[m.Key.GroupKind()]:
		f.Unasked = "its kind comes with it"
	case apierrors.IsNotFound(err) && slices.Contains(m.with.namespaces, m.Key.Namespace):
		f.Unasked = "its namespace comes with it"
	case uncalled(err) != "":
		f.Unasked = uncalled(err)
	case apierrors.IsNotFound(err):
		f.Err = refusalOf(fmt.Errorf("its namespace %s is not there; declare it, or have it made (target.createNamespace)", m.Key.Namespace), err)
		return f
	case err != nil:
		f.Err = refusalOf(explainMasked(m.Key, err, m.mask), err)
		return f
	}
	told := sides.Missing(m.Digest, m.declared, made, m.mask)
	f.Fields, f.More, f.Digest = told.Fields, told.More, told.Digest
	return f
}

// tryToMake has the server make an object, without keeping it.
func (c *Cluster) tryToMake(ctx context.Context, as target.Actor, m missing) (made *unstructured.Unstructured, err error) {
	if errors.Is(m.err, target.ErrSkipped) {
		return nil, m.err
	}
	k, err := c.served(ctx, m.Desired)
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	body, err := c.tried(m.Desired, m.Body, nil)
	if err != nil {
		return nil, err
	}
	err = c.limited(ctx, func(ctx context.Context) error {
		made, err = contentOf(cs, k, m.Key).Patch(ctx, m.Key.Name, types.ApplyPatchType, body, tryOptions())
		return err
	})
	return made, err
}

// answered is an error that the server answered; it reads as the explanation does.
type answered struct{ error }

// Is makes it a target.ErrRefused.
func (answered) Is(err error) bool { return err == target.ErrRefused }

// Unwrap is the explanation.
func (r answered) Unwrap() error { return r.error }

// refusalOf marks an explained error as the server's refusal where it is one.
func refusalOf(explained, err error) error {
	if _, said := refusal.Of(err); !said || isUnreachable(err) {
		return explained
	}
	return answered{explained}
}

// maskOf knows what of a declared object must not be told.
func maskOf(as target.Actor, d plan.Desired) redact.Mask {
	var declared map[string]any
	if json.Unmarshal(d.Body, &declared) != nil {
		return redact.Mask{}
	}
	return as.Redact.Of(declared)
}
