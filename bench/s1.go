package main

import (
	"context"
	"fmt"
	"time"

	"plumb.dev/plumb/bench/process"
)

// The goals of a first sync: its time over the floor's.
const (
	firstSyncMost        = 1.5
	firstSyncCheckedMost = 2
)

// cold is one first sync, and the floor before it.
type cold struct {
	floor     floor
	first     time.Duration // from the start of the daemon until the first object is live
	wall      time.Duration // until the last one is
	inLine    time.Duration // until the daemon says that all is healthy and recorded
	used      process.Usage
	apiServer time.Duration // its CPU
	counted   figures
}

// firstSyncLimit ends a first sync that gets nowhere.
const firstSyncLimit = 10 * time.Minute

// cold measures a first sync on a fresh stand, which it leaves in line.
func (b *bench) cold(ctx context.Context, f *fleet) (cold, error) {
	st, err := b.fresh(ctx, f)
	if err != nil {
		return cold{}, err
	}
	var c cold
	if c.floor, err = b.floor(ctx, st); err != nil {
		return c, err
	}
	if err := st.cluster.quiet(ctx); err != nil {
		return c, err
	}
	before, err := st.cluster.apiServerCPU()
	if err != nil {
		return c, err
	}
	live := watchCreation(ctx, st.cluster, fleetNamespace)
	defer live.close()
	if err := st.start(ctx); err != nil {
		return c, err
	}
	if c.first, c.wall, err = st.fill(ctx, live); err != nil {
		return c, err
	}
	if c.inLine, err = st.daemon.inLineAfter(ctx, len(f.apps), 100*time.Millisecond); err != nil {
		return c, err
	}
	b.say("a first sync of them: %.2fs", c.wall.Seconds())
	if err := c.read(ctx, st, before); err != nil {
		return c, err
	}
	if troubles := c.counted.troubles(); troubles != "" {
		b.say("requests that did not go well: %s", troubles)
	}
	return c, nil
}

// fill waits for the first and the last object, and tells how long they took
// from the start of the daemon.
func (st *stand) fill(ctx context.Context, live *truth) (first, last time.Duration, err error) {
	begun, err := live.await(ctx, firstSyncLimit, func(live map[place]sight) bool { return len(live) > 0 })
	if err != nil {
		return 0, 0, fmt.Errorf("no object is live: %w", err)
	}
	done, err := live.awaitCount(ctx, firstSyncLimit, len(st.fleet.objects))
	return begun.Sub(st.daemon.started), done.Sub(st.daemon.started), err
}

// floor measures the floor under the same watches as the daemon. Where times
// are not judged there is none.
func (b *bench) floor(ctx context.Context, st *stand) (floor, error) {
	if b.smoke {
		return floor{}, nil
	}
	live := watchCreation(ctx, st.cluster, floorNamespace)
	defer live.close()
	f, err := measureFloor(ctx, st.cluster, st.fleet.objects)
	b.say("the floor of %d objects: %.2fs (CPU of the API server %.2fs), and %.2fs without a change", len(st.fleet.objects),
		f.create.Seconds(), f.apiServer.Seconds(), f.again.Seconds())
	return f, err
}

// read notes what a first sync cost, once the controllers are done with it too.
func (c *cold) read(ctx context.Context, st *stand, apiServerBefore time.Duration) error {
	if err := st.cluster.quiet(ctx); err != nil {
		return err
	}
	after, err := st.cluster.apiServerCPU()
	if err != nil {
		return err
	}
	c.apiServer = after - apiServerBefore
	if c.used, err = st.daemon.usage(); err != nil {
		return err
	}
	c.counted, err = st.daemon.figures(ctx)
	return err
}

// firstSync is S1.
func firstSync(ctx context.Context, b *bench) ([]row, error) {
	return b.repeatCold(ctx, firstSyncMost, func() *fleet { return newFleet(b.folders(b.apps), b.apps) })
}

// firstSyncChecked is S1 with everything checked by a dry run before anything is applied.
func firstSyncChecked(ctx context.Context, b *bench) ([]row, error) {
	rows, err := b.repeatCold(ctx, firstSyncCheckedMost, func() *fleet { return checkedFirst(newFleet(b.folders(b.apps), b.apps)) })
	for i, r := range rows {
		if r.What == patchesOfFirstSync {
			rows[i] = r.between(2*b.apps*objectsPerApp, dailyCheck) // a dry run and an apply each
		}
	}
	return rows, err
}

// repeatCold measures first syncs, each on a stand of its own, and leaves the last one.
func (b *bench) repeatCold(ctx context.Context, most float64, f func() *fleet) ([]row, error) {
	var all []cold
	for range b.rounds {
		c, err := b.cold(ctx, f())
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return coldRows(all, b.current.fleet, most), nil
}

// patchesOfFirstSync is a count that tells whether there were dry runs.
const patchesOfFirstSync = "applies and dry runs"

func coldRows(all []cold, f *fleet, most float64) []row {
	last := all[len(all)-1]
	bare := took("", seconds, pick(all, func(c cold) time.Duration { return c.floor.create }))
	bareClient := took("", seconds, pick(all, func(c cold) time.Duration { return c.floor.client }))
	bareServer := took("", seconds, pick(all, func(c cold) time.Duration { return c.floor.apiServer }))
	rows := []row{
		took("until all is applied", seconds, pick(all, func(c cold) time.Duration { return c.wall })).beside(bare).ratioWithin(most),
		took("until the first object is applied", seconds, pick(all, func(c cold) time.Duration { return c.first })),
		took("until all is healthy and recorded", seconds, pick(all, func(c cold) time.Duration { return c.inLine })).beside(bare),
		took("CPU of the daemon", seconds, pick(all, func(c cold) time.Duration { return c.used.Own })).beside(bareClient),
		took("CPU of its git programs", seconds, pick(all, func(c cold) time.Duration { return c.used.Children })),
		took("CPU of the API server", seconds, pick(all, func(c cold) time.Duration { return c.apiServer })).beside(bareServer),
		figure("peak memory of the daemon", megabytes, mb(last.used.Peak)),
		figure("memory of its git programs", megabytes, mb(last.used.ChildrenNow)),
		counted("objects applied", "objects", float64(len(f.objects))),
		counted(patchesOfFirstSync, "requests", last.counted.requests["PATCH"]).between(len(f.objects), dailyCheck),
		counted("renders", "renders", last.counted.renders).exactly(float64(len(f.apps))),
		figure("other requests beside watches", "requests", last.counted.asked()-last.counted.requests["PATCH"]),
		figure("of it: one render", milliseconds, last.counted.spent["render"].mean()),
		figure("of it: one apply", milliseconds, last.counted.spent["PATCH"].mean()).beside(last.floor.each(len(f.objects))),
		figure("of it: applies under way at once, on average", "applies", last.counted.spent["PATCH"].seconds/last.wall.Seconds()),
	}
	if last.floor.again > 0 {
		rows = append(rows, took("the floor again, with no change", seconds, pick(all, func(c cold) time.Duration { return c.floor.again })))
	}
	return forApps(rows, len(f.apps))
}

func pick(all []cold, what func(cold) time.Duration) []time.Duration {
	times := make([]time.Duration, len(all))
	for i, c := range all {
		times[i] = what(c)
	}
	return times
}

// forApps notes how many Apps rows are about.
func forApps(rows []row, apps int) []row {
	for i := range rows {
		rows[i].Apps = apps
	}
	return rows
}
