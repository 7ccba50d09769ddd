package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// look is what Plumb says at one time.
type look struct {
	apps     []status.App
	root     status.Root
	releases []release.Release // the newest, newest first
}

// lookEvery is the time between two looks; the daemon tells of nothing by itself.
const lookEvery = 150 * time.Millisecond

func lookAt(ctx context.Context, c *client.Client) (l look, err error) {
	if l.root, err = c.Root(ctx); err != nil {
		return l, err
	}
	if l.apps, err = c.Apps(ctx, client.Filter{}); err != nil {
		return l, err
	}
	l.releases, err = c.Releases(ctx, history.Query{})
	return l, err
}

// inLine says whether every App of a commit is live and healthy.
func (l look) inLine(commit string) bool {
	for _, a := range l.apps {
		if a.Source.Newest != commit || a.Sync != status.Synced || a.Health != status.Healthy {
			return false
		}
	}
	running := func(r release.Release) bool { return r.Outcome == release.Running }
	return l.root.Revision == commit && len(l.apps) > 0 && len(l.apps) == l.root.Apps && !slices.ContainsFunc(l.releases, running)
}

// table is one App in a line.
func (l look) table() (lines []string) {
	row := func(fields ...any) {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-15s %-10s %-12s %s", fields...), " "))
	}
	row("APP", "SYNC", "HEALTH", "")
	for _, a := range l.apps {
		row(a.ID(), a.Sync, a.Health, a.Message)
	}
	return lines
}

// watch looks until done says that it has seen enough, or ctx is done, or the daemon ends.
func (s *stand) watch(ctx context.Context, done func(look) bool) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		l, err := lookAt(ctx, s.client)
		switch {
		case err == nil && done(l):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		select {
		case <-ticker.C: // an error is that of a daemon that ends, or is too busy for the moment
		case <-s.daemon.ended:
			return s.died()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// healthyLimit is far above the second that it takes.
const healthyLimit = 2 * time.Minute

// awaitHealthy shows the Apps until all are in line at a commit. It returns the look that found them so.
func (s *stand) awaitHealthy(ctx context.Context, show *screen, commit string) (last look, err error) {
	limit, cancel := context.WithTimeout(ctx, healthyLimit)
	defer cancel()
	var said []string
	show.say("")
	err = s.watch(limit, func(l look) bool {
		last = l
		lines := l.table()
		show.show(lines...)
		for _, line := range lines {
			if !show.terminal() && !slices.Contains(said, line) {
				show.say(line)
			}
		}
		said = lines
		return l.inLine(commit)
	})
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		return last, fmt.Errorf("after %s the Apps are still not in line and healthy:\n%s", healthyLimit, strings.Join(last.table(), "\n"))
	}
	if show.terminal() {
		show.say(show.states(strings.Join(said, "\n")))
	}
	return last, err
}

// follow tells of each release that ends after a look, and of what goes wrong, until ctx is done or the daemon ends.
func (s *stand) follow(ctx context.Context, show *screen, since look) error {
	var told teller
	told.news(since)
	err := s.watch(ctx, func(l look) bool {
		if lines := told.news(l); len(lines) > 0 {
			show.say(lines...)
		}
		return false
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// teller remembers what has been told.
type teller struct {
	releases map[int64]bool
	trouble  map[string]string // by App, and of the root
}

// news is what a look has that has not been told.
func (t *teller) news(l look) (lines []string) {
	if t.releases == nil {
		t.releases, t.trouble = map[int64]bool{}, map[string]string{}
	}
	for _, r := range slices.Backward(l.releases) {
		if r.Outcome != release.Running && !t.releases[r.ID] {
			t.releases[r.ID] = true
			lines = append(lines, story(r)...)
		}
	}
	return append(lines, t.troubles(l)...)
}

// troubles tells what is wrong, once, and when that is over.
func (t *teller) troubles(l look) (lines []string) {
	now := map[string]string{}
	for _, p := range l.root.Problems {
		now[p.Where] = p.Message
	}
	for _, a := range l.apps {
		if a.Failures > 0 || a.Source.Error != "" {
			now[a.ID()] = a.Message
		}
	}
	for where, what := range now {
		if what != "" && t.trouble[where] != what {
			lines = append(lines, headline(time.Now(), where, what))
		}
	}
	for where := range t.trouble {
		if now[where] == "" {
			lines = append(lines, headline(time.Now(), where, "is all right again"))
		}
	}
	slices.Sort(lines)
	t.trouble = now
	return lines
}

func headline(at time.Time, where, what string) string {
	return printable(at.Local().Format(time.TimeOnly) + "  " + where + ": " + what)
}

// story is a release in a few lines: who, what, why, and how it ended.
func story(r release.Release) []string {
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	who, _, _ := strings.Cut(r.Actor, " <")
	lines := []string{headline(r.Finished, r.App, fmt.Sprintf("%s by %s: %s (%s)", r.Trigger, who, subject, r.Revision.Short()))}
	if r.Corrective() {
		lines = []string{headline(r.Finished, r.App, "was changed outside Git, by "+who)}
	}
	add := func(text string) { lines = append(lines, "          "+printable(text)) }
	const most = 10
	for i, c := range r.Changes {
		if i == most {
			add(fmt.Sprintf("and %d more", len(r.Changes)-most))
			break
		}
		what := sign(c.Action) + " " + c.Object.String()
		if r.Corrective() || c.Error != "" {
			what += ": " + strings.Trim(c.Error+"; "+c.Reason, "; ")
		}
		add(what)
	}
	add(verdict(r))
	return lines
}

func sign(action string) string {
	switch action {
	case "create":
		return "+"
	case "update":
		return "~"
	case "prune":
		return "-"
	}
	return action
}

// verdict is how a release ended.
func verdict(r release.Release) string {
	after := func(t time.Time) string { return span(t.Sub(r.Seen)) }
	switch {
	case r.Outcome == release.Succeeded && r.Corrective():
		return "put right after " + after(r.Applied)
	case r.Outcome == release.Succeeded && r.Healthy.Sub(r.Applied) < time.Millisecond:
		return "in line and healthy after " + after(r.Applied)
	case r.Outcome == release.Succeeded:
		return "in line after " + after(r.Applied) + ", healthy after " + after(r.Healthy)
	case r.Reason != "":
		return string(r.Outcome) + ": " + r.Reason
	default:
		return string(r.Outcome)
	}
}
