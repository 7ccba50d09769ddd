package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// newSyncCommand is `plumb sync`: look now, and put right what differs.
func newSyncCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		wait    bool
		timeout time.Duration
		format  string
	)
	cmd := &cobra.Command{
		Use:   "sync NAME",
		Short: "Look at an App's source now, compare, and put right what differs",
		Long: "Ask for a look at an App's source, a comparison with the server of every object, and whatever follows from it.\n\n" +
			"With --wait, the exit code tells how it ended: 0 in line and healthy, 1 it failed or could not be told,\n" +
			"2 still out of line when the time was over, 4 held (by an approval, a window, a pause) or held back by an App that it depends on.",
		Args: usage.OneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return usage.Errorf("--timeout %s is no time to wait", timeout)
			}
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			id, err := c.Resolve(cmd.Context(), daemon, args[0])
			if err != nil {
				return err
			}
			asked, err := daemon.Sync(cmd.Context(), id, c.Who())
			if err != nil {
				return err
			}
			if !wait {
				return printAsked(env, format, id, asked)
			}
			return waitFor(cmd.Context(), env, format, waiting{daemon: daemon, id: id, asked: asked, timeout: timeout})
		},
	}
	c.AppFlags(cmd)
	c.ByFlag(cmd)
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "wait until it is in line and healthy, or can't be")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long to wait")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// printAsked tells that a sync was asked for.
func printAsked(env Env, format, id string, at time.Time) error {
	if format != "" {
		return usage.Write(env.Out, format, struct {
			App         string    `json:"app"`
			RequestedAt time.Time `json:"requestedAt"`
		}{id, at})
	}
	_, err := fmt.Fprintf(env.Out, "%s: a sync was asked for; `plumb get app %s` shows how it goes\n", id, id)
	return err
}

// waiting is what is waited for.
type waiting struct {
	daemon  *client.Client
	id      string
	asked   time.Time // by the daemon's clock
	timeout time.Duration
}

// lookEvery is the time between two looks; the daemon tells of nothing by itself.
const lookEvery = 200 * time.Millisecond

// waitFor looks at an App until its sync is over, telling what changes.
func waitFor(ctx context.Context, env Env, format string, w waiting) error {
	over := time.NewTimer(w.timeout)
	defer over.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	told := ""
	for late := false; ; {
		d, err := w.daemon.App(ctx, w.id)
		if err != nil {
			return err
		}
		if now := progressOf(d.App); now != told {
			fmt.Fprintln(env.Err, terminal.Printable(w.id+": "+now, ""))
			told = now
		}
		if end := ended(d, w.asked, late); end.over {
			if format != "" {
				if err := usage.Write(env.Out, format, d.App); err != nil {
					return err
				}
			}
			return end.err
		}
		select {
		case <-look.C:
		case <-over.C:
			late = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// progressOf is how an App stands in one line.
func progressOf(a status.App) string {
	return strings.TrimSuffix(fmt.Sprintf("%s, %s: %s", a.Sync, a.Health, a.Message), ": ")
}

// end is whether a sync is over, and the error that the command ends with.
type end struct {
	over bool
	err  error
}

// ended judges a sync that was asked for at a time. late says that the waiting
// must end, whatever is.
func ended(d status.Detail, asked time.Time, late bool) end {
	looked := !d.LastCheck.Before(asked)
	healthy := health.Enough(d.Health)
	switch {
	case looked && d.Sync == status.Synced && healthy:
		return end{over: true}
	case failedSince(d.Releases, asked):
		return end{true, fmt.Errorf("%s failed: %s", d.ID(), cmp.Or(d.Releases[0].Reason, d.Message))}
	case !d.Syncing && d.Failures > 0:
		return end{true, fmt.Errorf("%s failed: %s", d.ID(), cmp.Or(d.Message, "nothing says why"))}
	case looked && d.Hold != nil:
		return end{true, usage.Held(fmt.Errorf("%s is held (%s): %s", d.ID(), d.Hold.Reason, d.Hold.Message))}
	case !late:
		return end{}
	case len(d.WaitingFor) > 0:
		return end{true, usage.Held(fmt.Errorf("%s is held back: it waits for %s", d.ID(), strings.Join(d.WaitingFor, ", ")))}
	case d.Sync == status.OutOfSync:
		return end{true, usage.Differs(fmt.Errorf("%s is still out of line: %s", d.ID(), cmp.Or(d.Message, "nothing says why")))}
	case !looked:
		return end{true, fmt.Errorf("%s was not compared in this time: %s", d.ID(), cmp.Or(d.Message, "the daemon is busy"))}
	}
	return end{true, fmt.Errorf("%s is %s and %s: %s", d.ID(), d.Sync, d.Health, cmp.Or(d.Message, "nothing says why"))}
}

// failedSince says whether the newest release was seen since a time and failed.
func failedSince(releases []release.Release, since time.Time) bool {
	return len(releases) > 0 && releases[0].Outcome == release.Failed && !releases[0].Seen.Before(since)
}
