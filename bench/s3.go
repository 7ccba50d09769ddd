package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// correctionMost is the goal of a correction, in milliseconds.
const correctionMost = 100

// handEdit is S3.
func handEdit(ctx context.Context, b *bench) ([]row, error) {
	st, err := b.inLine(ctx)
	if err != nil {
		return nil, err
	}
	live := watchTurns(ctx, st.cluster, fleetNamespace)
	defer live.close()
	if err := st.rest(ctx); err != nil {
		return nil, err
	}
	edits, ofEdits, err := b.disturb(ctx, st, func() (time.Duration, error) { return st.edit(ctx, live) })
	if err != nil {
		return nil, err
	}
	deletions, ofDeletions, err := b.disturb(ctx, st, func() (time.Duration, error) { return st.remove(ctx, live) })
	if err != nil {
		return nil, err
	}
	const requests = 3 // the object is read, compared and applied
	n := float64(b.edits)
	return forApps([]row{
		took("hand edit to corrected, median", milliseconds, edits).within(correctionMost),
		slowest("hand edit to corrected, p95", milliseconds, edits, 0.95),
		counted("requests a hand edit, beside watches", "requests", ofEdits.asked()/n).within(requests),
		counted("renders a hand edit", "renders", ofEdits.renders/n).exactly(0),
		took("deletion to corrected, median", milliseconds, deletions).within(correctionMost),
		slowest("deletion to corrected, p95", milliseconds, deletions, 0.95),
		counted("requests a deletion, beside watches", "requests", ofDeletions.asked()/n).within(requests),
		counted("renders a deletion", "renders", ofDeletions.renders/n).exactly(0),
	}, len(st.fleet.apps)), nil
}

// disturb does the same to one App after the other, and tells how long each
// took to be put right and what the daemon did for all of them.
func (b *bench) disturb(ctx context.Context, st *stand, once func() (time.Duration, error)) ([]time.Duration, figures, error) {
	before, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, figures{}, err
	}
	var times []time.Duration
	for range b.edits {
		took, err := once()
		if err != nil {
			return nil, figures{}, err
		}
		times = append(times, took)
	}
	if err := st.daemon.inLine(ctx, len(st.fleet.apps)); err != nil {
		return nil, figures{}, err
	}
	after, err := st.daemon.figures(ctx)
	return times, after.since(before).withoutChecks(float64(b.edits)), err
}

// edit changes one field by hand and waits until it is as declared again. The
// clock starts when the server has answered the hand.
func (st *stand) edit(ctx context.Context, live *truth) (time.Duration, error) {
	app := st.app()
	client := st.cluster.metadata.Resource(configMaps).Namespace(fleetNamespace)
	edited, err := client.Patch(ctx, settingsOf(app), types.MergePatchType, []byte(`{"data":{"turn":"by hand"}}`),
		metav1.PatchOptions{FieldManager: "hand"})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	version, err := strconv.ParseUint(edited.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0, err
	}
	seen, err := live.awaitTurn(ctx, app, st.fleet.turns[app], version)
	return seen.at.Sub(start), err
}

// remove deletes an object by hand and waits until it is there again.
func (st *stand) remove(ctx context.Context, live *truth) (time.Duration, error) {
	app := st.app()
	at := place{configMaps.Resource, settingsOf(app)}
	before, there := live.sight(at)
	if !there {
		return 0, errors.New("the object to be deleted is not there: " + at.name)
	}
	if err := st.cluster.metadata.Resource(configMaps).Namespace(fleetNamespace).Delete(ctx, at.name, metav1.DeleteOptions{}); err != nil {
		return 0, err
	}
	start := time.Now()
	seen, err := live.awaitTurn(ctx, app, st.fleet.turns[app], before.version)
	return seen.at.Sub(start), err
}
