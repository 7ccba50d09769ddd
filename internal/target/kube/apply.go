package kube

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/refusal"
	"plumb.dev/plumb/internal/target"
)

// abreast is how many objects of one call are under way at once; the limiter
// decides over all calls.
const abreast = 16

// requestTimeout ends a change that the server does not answer.
const requestTimeout = 60 * time.Second

// Apply does the changes: stage by stage upwards, then the prunes downwards.
// It costs one request an object.
func (c *Cluster) Apply(ctx context.Context, as target.Actor, changes []plan.Change) []target.Outcome {
	outcomes := make([]target.Outcome, len(changes))
	if as.DryRun { // nothing comes of it that another could rely on
		inParallel(indices(len(changes)), func(i int) {
			if outcomes[i] = (target.Outcome{Key: changes[i].Key}); changes[i].Action == plan.Prune {
				outcomes[i].Err = c.tryPrune(ctx, as, changes[i])
			} else {
				outcomes[i] = c.applyOne(ctx, as, changes[i])
			}
		})
		return outcomes
	}
	up, down := byStage(changes)
	for stage := range plan.Stages {
		inParallel(up[stage], func(i int) { outcomes[i] = c.applyOne(ctx, as, changes[i]) })
	}
	for stage := plan.Stages - 1; stage >= 0; stage-- {
		inParallel(down[stage], func(i int) { outcomes[i] = c.pruneOne(ctx, as, changes[i]) })
	}
	return outcomes
}

// byStage sorts the changes' indices into those to apply and those to prune.
func byStage(changes []plan.Change) (up, down [plan.Stages][]int) {
	for i, change := range changes {
		stage := plan.StageOf(change.Key)
		if change.Action == plan.Prune {
			down[stage] = append(down[stage], i)
		} else {
			up[stage] = append(up[stage], i)
		}
	}
	return up, down
}

// indices are the numbers below n.
func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// inParallel calls f for each index, a few at a time, and waits for all.
func inParallel(indices []int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(abreast, len(indices)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for _, i := range indices {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (c *Cluster) applyOne(ctx context.Context, as target.Actor, change plan.Change) target.Outcome {
	if change.Repair != nil {
		if err := c.repair(ctx, as, change.Desired, change.Repair); err != nil {
			return target.Outcome{Key: change.Key, Err: explainMasked(change.Key, err, maskOf(as, change.Desired))}
		}
	}
	done, err := c.put(ctx, as, change)
	switch {
	case as.DryRun && apierrors.IsNotFound(err):
		err = fmt.Errorf("%w: its namespace is not there yet", target.ErrSkipped)
		fallthrough
	case as.DryRun && err != nil:
		err = explainMasked(change.Key, err, maskOf(as, change.Desired))
		fallthrough
	case as.DryRun:
		return target.Outcome{Key: change.Key, Err: err}
	}
	if apierrors.IsNotFound(err) && as.CreateNamespace && change.Key.Namespace == as.Namespace {
		if err = c.createNamespace(ctx, as); err == nil {
			done, err = c.put(ctx, as, change)
		}
	}
	if err != nil {
		explained := explainMasked(change.Key, err, maskOf(as, change.Desired))
		if forGood(err) {
			explained = answered{explained}
		}
		return target.Outcome{Key: change.Key, Err: explained}
	}
	c.view.Answered(done.Live)
	done.Key = change.Key
	done.Applied = plan.Applied{UID: done.Live.UID, Digest: change.Desired.Digest, Fingerprint: done.Live.Fingerprint}
	return done
}

// forGood says whether the server has looked at what it was sent and won't have
// it, so that the same is of use again only when something else has changed.
func forGood(err error) bool {
	said, ok := refusal.Of(err)
	switch said.Code {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	}
	return ok && said.Code >= http.StatusBadRequest && said.Code < http.StatusInternalServerError
}

func applyOptions() metav1.PatchOptions {
	force := true
	return metav1.PatchOptions{FieldManager: object.FieldManager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
}

// served finds how a declared object's kind is served. A kind that isn't yet,
// because its CRD has just been applied, is waited for outside of here.
func (c *Cluster) served(ctx context.Context, d plan.Desired) (discovery.Kind, error) {
	gvk := schema.FromAPIVersionAndKind(d.APIVersion, d.Key.Kind)
	k, ok, err := c.kinds.Find(ctx, gvk)
	if err != nil {
		return discovery.Kind{}, err
	}
	if !ok {
		return discovery.Kind{}, fmt.Errorf("%w: the cluster does not serve %s yet", target.ErrSkipped, gvk.GroupKind())
	}
	return k, nil
}

// limited makes one request when there is a place for it.
func (c *Cluster) limited(ctx context.Context, request func(context.Context) error) error {
	if err := c.limit.Acquire(ctx); err != nil {
		return err
	}
	start := time.Now()
	defer func() { c.limit.Release(time.Since(start)) }()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return request(ctx)
}

// createNamespace makes the App's target namespace. It carries no mark of the
// App, so it is never pruned.
func (c *Cluster) createNamespace(ctx context.Context, as target.Actor) error {
	cs, err := c.as(as)
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, as.Namespace)
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	err = c.limited(ctx, func(ctx context.Context) error {
		_, err := cs.metadata.Resource(namespaces).Patch(ctx, as.Namespace, types.ApplyPatchType, []byte(body), applyOptions())
		return err
	})
	if err != nil {
		return fmt.Errorf("create the target namespace %s: %w", as.Namespace, err)
	}
	return nil
}

// pruneOne deletes an object, if it still is the one that was planned for.
func (c *Cluster) pruneOne(ctx context.Context, as target.Actor, change plan.Change) target.Outcome {
	err := c.guardPrune(ctx, change)
	if err == nil {
		err = c.delete(ctx, as, change)
	}
	switch {
	case err == nil:
		c.view.Deleting(change.Key, change.Live.UID)
	case apierrors.IsNotFound(err):
		c.view.Missed(change.Key, change.Live.Version)
		err = nil
	}
	return target.Outcome{Key: change.Key, Err: explain(change.Key, err)}
}

// tryPrune says whether an object would be deleted. One that is gone already
// is no error.
func (c *Cluster) tryPrune(ctx context.Context, as target.Actor, change plan.Change) error {
	err := c.guardPrune(ctx, change)
	if err == nil {
		err = c.delete(ctx, as, change)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return refusalOf(explain(change.Key, err), err)
}

func (c *Cluster) delete(ctx context.Context, as target.Actor, change plan.Change) error {
	uid, background := types.UID(change.Live.UID), metav1.DeletePropagationBackground
	return c.deleteWith(ctx, as, change.Key, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &background})
}

func (c *Cluster) deleteWith(ctx context.Context, as target.Actor, key object.Key, o metav1.DeleteOptions) error {
	_, k, ok, err := c.kinds.Preferred(ctx, key.GroupKind())
	if err != nil || !ok {
		return err
	}
	cs, err := c.as(as)
	if err != nil {
		return err
	}
	if as.DryRun {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return c.limited(ctx, func(ctx context.Context) error { return metadataOf(cs, k, key).Delete(ctx, key.Name, o) })
}

// guardPrune holds back what would take more with it than was asked for.
func (c *Cluster) guardPrune(ctx context.Context, change plan.Change) error {
	switch plan.StageOf(change.Key) {
	case plan.StageDefinition:
		return c.guardDefinition(ctx, change.Key)
	case plan.StageNamespace:
		if other := c.view.OthersIn(change.Key.Name, change.Live.App); other != "" {
			return fmt.Errorf("%w: the namespace holds objects of another App (%s)", target.ErrKept, other)
		}
	}
	return nil
}

// guardDefinition keeps a CRD that has instances: deleting it deletes them all.
func (c *Cluster) guardDefinition(ctx context.Context, key object.Key) error {
	definition, err := c.dynamic.Resource(discovery.Definitions()).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kindName, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	_, k, ok, err := c.kinds.Preferred(ctx, schema.GroupKind{Group: group, Kind: kindName})
	if err != nil || !ok {
		return err
	}
	found, err := c.metadata.Resource(k.Resource).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil && !apierrors.IsNotFound(err) {
		c.keepVigil(key, k)
		return fmt.Errorf("%w: whether there are objects of kind %s can't be told: %w", target.ErrKept, kindName, err)
	}
	if err == nil && len(found.Items) > 0 {
		c.keepVigil(key, k)
		return fmt.Errorf("%w: there are still objects of kind %s, such as %s, and deleting the CRD would delete them all",
			target.ErrKept, kindName, namespacedName(found.Items[0].Namespace, found.Items[0].Name))
	}
	return nil
}

func namespacedName(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// metadataOf addresses one object's collection.
func metadataOf(cs clients, k discovery.Kind, key object.Key) metadata.ResourceInterface {
	if !k.Namespaced {
		return cs.metadata.Resource(k.Resource)
	}
	return cs.metadata.Resource(k.Resource).Namespace(key.Namespace)
}

// contentOf addresses one object's collection, objects whole.
func contentOf(cs clients, k discovery.Kind, key object.Key) dynamic.ResourceInterface {
	if !k.Namespaced {
		return cs.dynamic.Resource(k.Resource)
	}
	return cs.dynamic.Resource(k.Resource).Namespace(key.Namespace)
}
