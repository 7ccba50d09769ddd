package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

// The bounds of a search for undeclared objects.
const (
	mostUndeclared = 1000 // objects told
	mostOfKind     = 500  // objects of one kind in one namespace looked at
)

// Undeclared lists objects of namespaces that no App declares, and that neither
// the cluster nor a controller made for another object. It costs one request
// for each kind and namespace; contents are never asked for. Kinds that the
// actor may not list are passed over.
func (c *Cluster) Undeclared(ctx context.Context, as target.Actor, namespaces []string) (found []plan.Extra, more bool, err error) {
	cs, err := c.as(as)
	if err != nil {
		return nil, false, err
	}
	all, err := c.kinds.All(ctx)
	if err != nil {
		return nil, false, err
	}
	var mu sync.Mutex
	errs := make([]error, len(all))
	inParallel(indices(len(all)), func(i int) {
		for _, namespace := range namespaces {
			list, cut, err := c.undeclaredOf(ctx, cs, all[i], namespace)
			mu.Lock()
			found, more, errs[i] = append(found, list...), more || cut, errors.Join(errs[i], err)
			mu.Unlock()
		}
	})
	slices.SortFunc(found, func(a, b plan.Extra) int { return strings.Compare(a.Key.ID(), b.Key.ID()) })
	if len(found) > mostUndeclared {
		found, more = found[:mostUndeclared], true
	}
	return found, more, errors.Join(errs...)
}

func (c *Cluster) undeclaredOf(ctx context.Context, cs clients, gk schema.GroupKind, namespace string) (found []plan.Extra, more bool, err error) {
	_, k, ok, err := c.kinds.Preferred(ctx, gk)
	if err != nil || !ok || !k.Namespaced || madeByControllers(gk) {
		return nil, false, err
	}
	var page *metav1.PartialObjectMetadataList
	err = c.limited(ctx, func(ctx context.Context) error {
		page, err = cs.metadata.Resource(k.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: mostOfKind})
		return err
	})
	switch {
	case refused(err):
		return nil, false, nil
	case err != nil:
		return nil, false, unreachable(fmt.Errorf("list %s in %s: %w", gk, namespace, err))
	}
	for i := range page.Items {
		if o := &page.Items[i]; isExtra(gk, o) {
			key := object.Key{Group: gk.Group, Kind: gk.Kind, Namespace: o.Namespace, Name: o.Name}
			found = append(found, plan.Extra{Key: key, Reason: "nobody declares it" + writtenBy(o)})
		}
	}
	return found, page.Continue != "", nil
}

// isExtra says whether an object is there because someone made it by hand or
// with a tool of their own.
func isExtra(gk schema.GroupKind, o *metav1.PartialObjectMetadata) bool {
	switch live := sight.Reduce(gk, o); {
	case live.Deleting, len(o.OwnerReferences) > 0, live.App != "" && live.Own:
		return false
	}
	switch gk {
	case schema.GroupKind{Kind: "ServiceAccount"}:
		if o.Name == "default" {
			return false
		}
	case schema.GroupKind{Kind: "ConfigMap"}:
		if o.Name == "kube-root-ca.crt" {
			return false
		}
	case schema.GroupKind{Kind: "Secret"}: // a token of a service account, or a record of ours
		if o.Annotations["kubernetes.io/service-account.uid"] != "" || o.Labels[object.LabelRecordOf] != "" {
			return false
		}
	case schema.GroupKind{Kind: "Service"}: // the API server's own
		if o.Namespace == "default" && o.Name == "kubernetes" {
			return false
		}
	}
	byHand := func(e metav1.ManagedFieldsEntry) bool { return !isOfCluster(e.Manager) }
	return len(o.ManagedFields) == 0 || slices.ContainsFunc(o.ManagedFields, byHand)
}

// isOfCluster says whether a field manager is a part of Kubernetes itself.
func isOfCluster(manager string) bool {
	return slices.Contains([]string{
		"kube-controller-manager", "kube-apiserver", "kube-scheduler", "kubelet", "cloud-controller-manager",
	}, manager)
}

// writtenBy names who wrote an object first, as far as it is known.
func writtenBy(o *metav1.PartialObjectMetadata) string {
	var first metav1.ManagedFieldsEntry
	for _, e := range o.ManagedFields {
		if isOfCluster(e.Manager) || e.Time == nil {
			continue
		}
		if first.Time == nil || cmp.Compare(e.Time.Unix(), first.Time.Unix()) < 0 {
			first = e
		}
	}
	if first.Manager == "" {
		return ""
	}
	return "; " + first.Manager + " wrote it"
}
