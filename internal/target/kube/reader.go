package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

var _ target.Reader = (*Cluster)(nil)

// Object implements target.Reader.
func (c *Cluster) Object(ctx context.Context, as target.Actor, key object.Key, apiVersion string) (*unstructured.Unstructured, error) {
	k, err := c.kindOf(ctx, key, apiVersion)
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	var live *unstructured.Unstructured
	err = c.limited(ctx, func(ctx context.Context) (err error) {
		live, err = contentOf(cs, k, key).Get(ctx, key.Name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(key, err)
	}
	return live, nil
}

// kindOf finds the kind of a key as people may write it.
func (c *Cluster) kindOf(ctx context.Context, key object.Key, apiVersion string) (discovery.Kind, error) {
	if apiVersion != "" {
		return c.served(ctx, plan.Desired{Key: key, APIVersion: apiVersion})
	}
	gk := key.GroupKind()
	if gk.Group == "" {
		var err error
		if gk, err = c.onlyKind(ctx, gk.Kind); err != nil {
			return discovery.Kind{}, err
		}
	}
	_, k, ok, err := c.kinds.Preferred(ctx, gk)
	if err == nil && !ok {
		err = fmt.Errorf("%w: the cluster serves no %s; check the spelling", target.ErrUnknownKind, gk)
	}
	return k, err
}

// onlyKind is the kind of a name. The core's own comes before those of groups.
func (c *Cluster) onlyKind(ctx context.Context, name string) (schema.GroupKind, error) {
	all, err := c.kinds.All(ctx)
	if err != nil {
		return schema.GroupKind{}, err
	}
	core := schema.GroupKind{Kind: name}
	var found []string
	for _, gk := range all {
		if gk.Kind == name {
			found = append(found, gk.Group)
		}
	}
	switch {
	case len(found) == 1:
		core.Group = found[0]
	case len(found) > 1 && !slices.Contains(found, ""):
		slices.Sort(found)
		return core, fmt.Errorf("%w: several groups have a %s: %s; name the group", target.ErrUnknownKind, name, strings.Join(found, ", "))
	}
	return core, nil
}

// Forms implements target.Reader. What a repair would take out first isn't in
// the second form.
func (c *Cluster) Forms(ctx context.Context, as target.Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error) {
	var declared map[string]any
	if err := json.Unmarshal(d.Body, &declared); err != nil {
		return nil, nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	live, wanted, err = c.liveAndWanted(ctx, as, d)
	if live == nil && apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	var mend fields.Mend
	if live != nil && (err == nil || apierrors.IsInvalid(err)) {
		mend = fields.MendOf(live, declared)
	}
	switch {
	case err != nil && mend.Patch == nil:
		return nil, nil, explainMasked(d.Key, err, as.Redact.Of(declared, contentOrNil(live)))
	case err != nil:
		return live, mend.On(live), nil
	}
	for _, element := range mend.Elements {
		takeOut(wanted.Object, element)
	}
	return live, wanted, nil
}

// takeOut removes an element from its list in an object.
func takeOut(o map[string]any, element fieldpath.Path) {
	n := len(element)
	if n < 2 || element[n-2].FieldName == nil {
		return
	}
	parent, _ := fields.Node(o, element[:n-2]).(map[string]any)
	list, _ := parent[*element[n-2].FieldName].([]any)
	if i := fields.Place(element[n-1], list); i >= 0 {
		parent[*element[n-2].FieldName] = slices.Delete(slices.Clone(list), i, i+1)
	}
}
