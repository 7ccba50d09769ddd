package main

import (
	"context"
	"time"
)

// chartApps is S9: the memory of a daemon with so many Apps that are charts,
// with workers that render and without.
func chartApps(ctx context.Context, b *bench) ([]row, error) {
	const components = 2
	var rows []row
	for _, way := range []struct {
		name  string
		flags []string
	}{{"workers", nil}, {"no workers", []string{"--render-workers=0"}}} {
		st, err := b.fresh(ctx, newCharts(b.charts, components))
		if err != nil {
			return rows, err
		}
		st.flags = way.flags
		if err := st.start(ctx); err != nil {
			return rows, err
		}
		took, err := st.daemon.inLineAfter(ctx, b.charts, 100*time.Millisecond)
		if err != nil {
			return rows, err
		}
		first, err := st.daemon.usage()
		if err != nil {
			return rows, err
		}
		if err := st.rest(ctx); err != nil {
			return rows, err
		}
		used, err := st.daemon.usage()
		if err != nil {
			return rows, err
		}
		rows = append(rows, forApps([]row{
			figure(way.name+": until all is healthy and recorded", seconds, took.Seconds()),
			figure(way.name+": CPU of the daemon", seconds, first.Own.Seconds()),
			figure(way.name+": CPU of its workers and git programs", seconds, first.Children.Seconds()),
			figure(way.name+": peak memory of the daemon", megabytes, mb(first.Peak)),
			figure(way.name+": memory of the daemon at rest", megabytes, mb(used.Resident)),
			figure(way.name+": of it beside files", megabytes, mb(used.Private)),
			figure(way.name+": memory of its workers and git programs at rest, beside files", megabytes, mb(used.ChildrenOwn)),
		}, b.charts)...)
	}
	return rows, b.drop()
}
