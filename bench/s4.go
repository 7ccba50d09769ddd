package main

import (
	"context"
	"time"
)

// The goals of doing nothing: no requests, this share of a core, and this much memory at a thousand Apps.
const (
	idleCPUMost      = 0.5
	memoryMostAt1000 = 150
)

// idle is S4: nothing happens, the daemon is started again, and again nothing happens.
func idle(ctx context.Context, b *bench) ([]row, error) {
	st, err := b.inLine(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := b.nothing(ctx, st, "idle: ")
	if err != nil {
		return nil, err
	}
	again, err := b.restart(ctx, st)
	if err != nil {
		return rows, err
	}
	rows = append(rows, again...)
	after, err := b.nothing(ctx, st, "idle after the restart: ")
	return forApps(append(rows, after...), len(st.fleet.apps)), err
}

// nothing watches nothing happen.
func (b *bench) nothing(ctx context.Context, st *stand, when string) ([]row, error) {
	if err := st.rest(ctx); err != nil {
		return nil, err
	}
	beforeUse, err := st.daemon.usage()
	if err != nil {
		return nil, err
	}
	before, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(b.idle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	afterUse, err := st.daemon.usage()
	if err != nil {
		return nil, err
	}
	after, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, err
	}
	all := after.since(before)
	did := all.withoutChecks(0)
	share := 100 * float64(afterUse.CPU()-beforeUse.CPU()) / float64(b.idle)
	memory := figure(when+"memory of the daemon", megabytes, mb(afterUse.Resident))
	if len(st.fleet.apps) == 1000 {
		memory = memory.within(memoryMostAt1000)
	}
	return []row{
		counted(when+"requests beside watches and daily checks", "requests", did.asked()).exactly(0),
		figure(when+"requests of daily checks", "requests", all.asked()-did.asked()),
		figure(when+"CPU, its git programs' included", percent, share).within(idleCPUMost),
		memory,
		figure(when+"memory of its git programs", megabytes, mb(afterUse.ChildrenNow)),
	}, nil
}

// restart ends the daemon and starts it again on the data that it left: how
// much does it cost to find out that all is in line?
func (b *bench) restart(ctx context.Context, st *stand) ([]row, error) {
	if err := st.daemon.stop(); err != nil {
		return nil, err
	}
	if err := st.start(ctx); err != nil {
		return nil, err
	}
	took, err := st.daemon.inLineAfter(ctx, len(st.fleet.apps), 20*time.Millisecond)
	if err != nil {
		return nil, err
	}
	counts, err := st.daemon.figures(ctx)
	if err != nil {
		return nil, err
	}
	used, err := st.daemon.usage()
	if err != nil {
		return nil, err
	}
	return []row{
		figure("restart: until all is known to be in line", seconds, took.Seconds()),
		figure("restart: CPU, its git programs' included", seconds, used.CPU().Seconds()),
		counted("restart: applies and dry runs", "requests", counts.requests["PATCH"]).exactly(0),
		figure("restart: other requests beside watches", "requests", counts.asked()-counts.requests["PATCH"]),
		counted("restart: renders", "renders", counts.renders).exactly(0),
		figure("restart: renders that were kept", "renders", counts.spared),
	}, nil
}
