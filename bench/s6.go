package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// soundMost is the goal for the slowest sound App of a storm, in milliseconds:
// no sound App waits for a broken one, whose first retry comes later than this.
const soundMost = 1000

// stormOfCommits is S6.
func stormOfCommits(ctx context.Context, b *bench) ([]row, error) {
	st, err := b.inLine(ctx)
	if err != nil {
		return nil, err
	}
	live := watchTurns(ctx, st.cluster, fleetNamespace)
	defer live.close()
	if err := st.rest(ctx); err != nil {
		return nil, err
	}
	pushed, err := st.weather(ctx, b.storm)
	if err != nil {
		return nil, errors.Join(err, b.drop())
	}
	last := time.Now()
	times, err := pushed.await(ctx, live)
	drained := time.Since(last)
	if err != nil {
		return nil, errors.Join(err, b.drop())
	}
	failing, err := st.daemon.awaitFailing(ctx, b.storm.broken())
	rows := forApps([]row{
		took(fmt.Sprintf("%d commits in %s: a sound App, median", b.storm.commits, b.storm.span), milliseconds, times),
		slowest("a sound App, p95", milliseconds, times, 0.95),
		slowest("the slowest sound App", milliseconds, times, 1).within(soundMost),
		took("from the last commit until all sound Apps are there", milliseconds, []time.Duration{drained}),
		counted("sound Apps at their newest commit", "Apps", float64(len(times))).exactly(float64(b.storm.commits - b.storm.broken())),
		counted("broken Apps that are told as such", "Apps", failing).exactly(float64(b.storm.broken())),
	}, len(st.fleet.apps))
	return rows, errors.Join(err, b.drop()) // broken Apps are nothing for other scenarios
}

// broken is how many commits of a storm break their App.
func (s storm) broken() int { return s.commits / s.brokenOf }

// awaitFailing waits until so many Apps fail, as the daemon tells, and returns
// how many do.
func (d *daemon) awaitFailing(ctx context.Context, n int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, changeLimit)
	defer cancel()
	var now figures
	err := until(ctx, 100*time.Millisecond, func(ctx context.Context) (bool, error) {
		var err error
		now, err = d.figures(ctx)
		return int(now.failing) == n, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // the figure says it
	}
	return now.failing, err
}

// pushes are the sound commits of a storm.
type pushes []push

type push struct {
	app, value string
	at         time.Time
}

// weather makes the commits, evenly spread, each told by a webhook.
func (st *stand) weather(ctx context.Context, s storm) (pushes, error) {
	ticker := time.NewTicker(s.span / time.Duration(s.commits))
	defer ticker.Stop()
	var sound pushes
	for i := range s.commits {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		app := st.app()
		var err error
		if broken := (i + 1) / s.brokenOf; (i+1)%s.brokenOf == 0 {
			err = st.repo.commit(ctx, st.fleet.breakUp(app, broken%2 == 0))
		} else {
			p := push{app: app}
			p.value, err = st.turn(ctx, app)
			p.at = time.Now()
			sound = append(sound, p)
		}
		if err != nil {
			return nil, err
		}
		if err := st.daemon.hook(ctx); err != nil {
			return nil, err
		}
	}
	return sound, nil
}

// await waits until every sound App is at its newest commit, and tells how long
// each took. Each is committed to once, so the last sight of it is that commit's.
func (p pushes) await(ctx context.Context, live *truth) ([]time.Duration, error) {
	times := make([]time.Duration, len(p))
	for i, one := range p {
		seen, err := live.awaitTurn(ctx, one.app, one.value, 0)
		if err != nil {
			return nil, err
		}
		times[i] = seen.at.Sub(one.at)
	}
	return times, nil
}
