package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// put applies one object: as a new one where nothing with our label is there;
// after it was taken over or deleted, where that has to be and may be.
func (c *Cluster) put(ctx context.Context, as target.Actor, change plan.Change) (done target.Outcome, err error) {
	d := change.Desired
	if change.Action == plan.Create {
		if done.Live, err = c.patch(ctx, as, d, manner{asNew: true}); !apierrors.IsConflict(err) {
			return done, err
		} // something is there that isn't ours
	}
	if change.Action == plan.Create || d.Adopt {
		if done.From, err = c.takeOver(ctx, as, d); err != nil {
			return done, err
		}
	}
	done.Live, err = c.patch(ctx, as, d, manner{renew: change.Renew})
	if !apierrors.IsInvalid(err) {
		return done, err
	}
	if err = c.amend(ctx, as, d, err); err == nil && !as.DryRun {
		done.Live, err = c.patch(ctx, as, d, manner{renew: change.Renew})
	}
	if !apierrors.IsInvalid(err) {
		return done, err
	}
	if done.Replaced, err = c.makeWay(ctx, as, d, err); err != nil || as.DryRun {
		return done, err
	}
	done.Live, err = c.patch(ctx, as, d, manner{asNew: true})
	return done, err
}

// manner is how an object is applied.
type manner struct {
	asNew bool // only if nothing is there: else it is a conflict
	renew bool // with all generated values made anew
}

// patch applies one object and returns its record. The answer is asked for as
// metadata only; health comes with the watch.
func (c *Cluster) patch(ctx context.Context, as target.Actor, d plan.Desired, m manner) (plan.Live, error) {
	k, err := c.served(ctx, d)
	if err != nil {
		return plan.Live{}, err
	}
	cs, err := c.as(as)
	if err != nil {
		return plan.Live{}, err
	}
	var answer *metav1.PartialObjectMetadata
	options := applyOptions()
	if as.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	for range tries {
		var body []byte
		if body, err = c.bodyOf(ctx, as, d, m); err != nil {
			return plan.Live{}, err
		}
		err = c.limited(ctx, func(ctx context.Context) error {
			answer, err = metadataOf(cs, k, d.Key).Patch(ctx, d.Key.Name, types.ApplyPatchType, body, options)
			return err
		})
		if m.asNew || !apierrors.IsConflict(err) {
			break // else another has written what was read to fill it
		}
	}
	if err != nil {
		return plan.Live{}, err
	}
	if err := c.forgetRepair(ctx, as, d, answer.ManagedFields); err != nil {
		return plan.Live{}, err
	}
	live := sight.Reduce(d.Key.GroupKind(), answer)
	if !health.ByPresence(d.Key.GroupKind()) && !live.Deleting {
		live.Provisional = true
		live.Health = health.Verdict{Health: status.Progressing, Message: "was applied just now"}
	}
	return live, nil
}

// bodyOf is what is sent to apply an object.
func (c *Cluster) bodyOf(ctx context.Context, as target.Actor, d plan.Desired, m manner) ([]byte, error) {
	body := d.Body
	if generate.Asked(d.Key, d.Body) {
		var err error
		if body, err = c.filled(ctx, as, d, m); err != nil {
			return nil, err
		}
	}
	if m.asNew {
		return onlyNew(body)
	}
	return body, nil
}

// onlyNew makes an apply that finds an object already there a conflict: no object
// has so old a version, and where none is there, the server doesn't look at it.
// That saves asking first.
func onlyNew(body []byte) ([]byte, error) {
	return inMetadata(body, "resourceVersion", "1")
}

// inMetadata sets one field of an object's metadata. What else there is isn't
// looked at, which may be large.
func inMetadata(body []byte, field, value string) ([]byte, error) {
	var o, metadata map[string]json.RawMessage
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	if err := json.Unmarshal(o["metadata"], &metadata); err != nil {
		return nil, fmt.Errorf("its metadata can't be read: %w", err)
	}
	metadata[field] = json.RawMessage(`"` + value + `"`)
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	o["metadata"] = text
	return json.Marshal(o)
}

// filled is a Secret's body with the values that are generated: those that are
// live, and new ones where none are. It is bound to the version of the Secret
// that they were read from.
func (c *Cluster) filled(ctx context.Context, as target.Actor, d plan.Desired, m manner) ([]byte, error) {
	var held generate.Held
	version := ""
	if !m.asNew {
		live, err := c.Object(ctx, as, d.Key, d.APIVersion)
		if err != nil {
			return nil, err
		}
		if live != nil {
			held, version = generate.HeldBy(live.Object), live.GetResourceVersion()
		}
	}
	var o map[string]any
	decoder := json.NewDecoder(bytes.NewReader(d.Body))
	decoder.UseNumber()
	if err := decoder.Decode(&o); err != nil {
		return nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	f := generate.Filler{Held: held, Renew: m.renew, Now: c.now(), Random: c.random}
	if as.DryRun {
		f.Random = nil
	}
	if err := f.Fill(o); err != nil {
		return nil, err
	}
	body, err := json.Marshal(o)
	if err == nil && version != "" {
		return inMetadata(body, "resourceVersion", version)
	}
	return body, err
}

// tried is a body to be tried, in the place of which nothing is kept: a Secret's
// generated values are the live ones, and else stand-ins.
func (c *Cluster) tried(d plan.Desired, body []byte, live map[string]any) ([]byte, error) {
	if !generate.Asked(d.Key, body) {
		return body, nil
	}
	var o map[string]any
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	f := generate.Filler{Held: generate.HeldBy(live), Now: c.now()}
	if err := f.Fill(o); err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// adopts says whether an object is to be taken over from other tools now: it is
// asked for, and what is declared wasn't applied yet.
func adopts(d plan.Desired, annotations map[string]string) bool {
	return d.Adopt && annotations[object.AnnotationDigest] != d.Digest
}
