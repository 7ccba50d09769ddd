package main

import (
	"context"
	"time"
)

// commitMost is the goal of a one-line commit, in milliseconds.
const commitMost = 150

// commitRequests is the goal for requests of a commit that changes one object:
// twice the objects, and a constant.
const commitRequests = 2*1 + 1

// oneLineCommit is S2.
func oneLineCommit(ctx context.Context, b *bench) ([]row, error) {
	st, err := b.inLine(ctx)
	if err != nil {
		return nil, err
	}
	return b.commits(ctx, st)
}

// commits makes commits of one line on different Apps, one after the other, and
// measures from the webhook to the changed line being live.
func (b *bench) commits(ctx context.Context, st *stand) ([]row, error) {
	live := watchTurns(ctx, st.cluster, fleetNamespace)
	defer live.close()
	if err := st.rest(ctx); err != nil {
		return nil, err
	}
	before, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for range b.edits {
		took, err := st.commit(ctx, live)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	if err := st.daemon.inLine(ctx, len(st.fleet.apps)); err != nil {
		return nil, err
	}
	after, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, err
	}
	return forApps(commitRows(times, after.since(before).withoutChecks(0)), len(st.fleet.apps)), nil
}

// commit changes one line of one App and waits until it is live.
func (st *stand) commit(ctx context.Context, live *truth) (time.Duration, error) {
	app := st.app()
	value, err := st.turn(ctx, app)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := st.daemon.hook(ctx); err != nil {
		return 0, err
	}
	seen, err := live.awaitTurn(ctx, app, value, 0)
	return seen.at.Sub(start), err
}

// rest waits until what went before is over, on both sides.
func (st *stand) rest(ctx context.Context) error {
	if err := st.daemon.inLine(ctx, len(st.fleet.apps)); err != nil {
		return err
	}
	return st.cluster.quiet(ctx)
}

func commitRows(times []time.Duration, did figures) []row {
	commits := float64(len(times))
	return []row{
		took("webhook to live, median", milliseconds, times).within(commitMost),
		slowest("webhook to live, p95", milliseconds, times, 0.95),
		counted("renders a commit", "renders", did.renders/commits).exactly(1),
		counted("requests a commit, beside watches", "requests", did.asked()/commits).within(commitRequests),
		counted("applies a commit", "requests", did.requests["PATCH"]/commits).exactly(1),
		figure("of it: one fetch", milliseconds, did.spent["fetch"].mean()),
		figure("of it: one render", milliseconds, did.spent["render"].mean()),
		figure("of it: one apply", milliseconds, did.spent["PATCH"].mean()),
	}
}
