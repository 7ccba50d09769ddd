package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A scenario measures one thing and tells it in rows.
type scenario struct {
	name  string
	title string
	run   func(ctx context.Context, b *bench) ([]row, error)
}

// scenarios are all there are, in an order that lets several use one stand.
func scenarios() []scenario {
	return []scenario{
		{"S1", "first sync", firstSync},
		{"S2", "a one-line commit", oneLineCommit},
		{"S3", "a hand edit, a deletion", handEdit},
		{"S4", "nothing happens; a restart", idle},
		{"S6", "a storm of commits", stormOfCommits},
		{"S1v", "first sync, all checked before any is applied", firstSyncChecked},
		{"S5", "growth", growth},
		{"S7", "one huge App", hugeApp},
		{"S8", "renders", renderings},
		{"S9", "Apps that are charts", chartApps},
	}
}

// choose finds scenarios by their names; none means all.
func choose(names []string) ([]scenario, error) {
	all := scenarios()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []scenario
	for _, s := range all {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, s.name) }) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) < len(names) {
		known := make([]string, len(all))
		for i, s := range all {
			known[i] = s.name
		}
		return nil, fmt.Errorf("there is no scenario among %s that is not one of %s", strings.Join(names, ", "), strings.Join(known, ", "))
	}
	return chosen, nil
}

// bench is one run of the benchmark.
type bench struct {
	options
	progress  io.Writer
	apiServer string // its version, once one ran
	current   *stand
}

// run runs scenarios one after the other. One that fails is told, and the
// others are measured all the same.
func (b *bench) run(ctx context.Context, chosen []scenario) ([]row, error) {
	var rows []row
	var errs []error
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		b.say("%s: %s", s.name, s.title)
		found, err := s.run(ctx, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err), b.drop())
		}
		for _, r := range found {
			r.Scenario = s.name
			if b.smoke && !r.Exact {
				r.Goal, r.Verdict = "", ""
			}
			rows = append(rows, r)
		}
	}
	errs = append(errs, b.drop(), ctx.Err())
	slices.SortStableFunc(rows, func(x, y row) int { return strings.Compare(x.Scenario, y.Scenario) })
	return rows, errors.Join(errs...)
}

// fresh makes a stand on which nothing runs yet, in place of the one before.
func (b *bench) fresh(ctx context.Context, f *fleet) (*stand, error) {
	if err := b.drop(); err != nil {
		return nil, err
	}
	st, err := newStand(ctx, f, b.plumb)
	if err != nil {
		return nil, err
	}
	b.current, b.apiServer = st, st.cluster.version
	if b.smoke {
		return st, nil
	}
	return st, st.warmUp(ctx)
}

// inLine is a stand on which a daemon holds the Apps in line: that of the
// scenario before, where it fits.
func (b *bench) inLine(ctx context.Context) (*stand, error) {
	if st := b.current; st != nil && st.running() && len(st.fleet.apps) == b.apps && !st.fleet.checkFirst {
		return st, nil
	}
	st, err := b.fresh(ctx, newFleet(b.folders(b.apps), b.apps))
	if err != nil {
		return nil, err
	}
	if err := st.start(ctx); err != nil {
		return nil, err
	}
	return st, st.daemon.inLine(ctx, b.apps)
}

// folders is how many Apps the repository has when so many are followed.
func (b *bench) folders(apps int) int {
	const usual = 1000
	if b.smoke {
		return apps
	}
	return max(usual, apps)
}

// drop ends the stand and removes it.
func (b *bench) drop() error {
	st := b.current
	b.current = nil
	if st == nil {
		return nil
	}
	return st.close()
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// until asks at intervals until it is done: for what tells nobody.
func until(ctx context.Context, every time.Duration, done func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
