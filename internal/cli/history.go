package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/terminal"
)

// newHistoryCommand is `plumb history`: what happened.
func newHistoryCommand(env Env) *cobra.Command {
	c := &connection{env: env}
	var (
		format, outcome string
		query           history.Query
		id              int64
	)
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "Show the releases of an App, or of all",
		Long: "Show the releases of an App, or of all Apps, newest first: who changed what, why, and how it ended.\n\n" +
			"CHANGES counts objects: + created, ~ changed, - deleted. A corrective release put back what was changed outside Git.\n" +
			"NAMESPACE/NAME finds the releases of an App that is no longer declared, too.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query.Outcome = release.Outcome(outcome)
			if err := query.Validate(); err != nil {
				return usagef("%w", err)
			}
			if cmd.Flags().Changed("id") {
				if len(args) > 0 {
					return usagef("give either NAME or --id")
				}
				return showRelease(cmd.Context(), c, id, format)
			}
			return listReleases(cmd.Context(), c, args, query, format)
		},
	}
	c.appFlags(cmd)
	f := cmd.Flags()
	f.Int64Var(&id, "id", 0, "show one release whole")
	f.StringVar(&query.Commit, "commit", "", "only releases of commits that begin with this (at least 4 characters)")
	f.IntVar(&query.Limit, "limit", history.DefaultLimit, "at most this many (up to "+strconv.Itoa(history.MaxLimit)+")")
	f.Int64Var(&query.Before, "before", 0, "only releases with a smaller id: the next page")
	outcomes := oneOf(&outcome, string(release.Running), string(release.Succeeded), string(release.Failed), string(release.Superseded))
	f.Var(outcomes, "outcome", "only releases that ended so")
	outputFlag(f, &format, asJSON, asYAML)
	return cmd
}

func listReleases(ctx context.Context, c *connection, args []string, q history.Query, format string) error {
	daemon, err := c.client()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		if q.App, err = c.resolve(ctx, daemon, args[0]); err != nil {
			return err
		}
	}
	releases, err := daemon.Releases(ctx, q)
	if err != nil {
		return err
	}
	if format != "" {
		return write(c.env.Out, format, listOf(releases))
	}
	if len(releases) == 0 {
		fmt.Fprintln(c.env.Err, "no releases are kept of that; `plumb history` without a filter lists all")
		return nil
	}
	releaseTable(releases, q.App == "", c.env.Now()).Print(c.env.screen())
	if len(releases) == q.Limit {
		fmt.Fprintf(c.env.Err, "there may be more: add --before %d\n", releases[len(releases)-1].ID)
	}
	return nil
}

// releaseTable is one release in a line, with the App where there are several.
func releaseTable(releases []release.Release, apps bool, now time.Time) *terminal.Table {
	t := &terminal.Table{Header: []string{"ID", "AGE", "REVISION", "TRIGGER", "WHO", "CHANGES", "OUTCOME", "WHAT"}}
	if apps {
		t.Header = slices.Insert(t.Header, 2, "APP")
	}
	for _, r := range releases {
		row := []any{r.ID, terminal.Age(now, r.Seen), r.Revision.Short(), triggerOf(r),
			nameOf(r.Actor), changesOf(r), terminal.State(r.Outcome), whatOf(r)}
		if apps {
			row = slices.Insert(row, 2, any(r.App))
		}
		t.Add(row...)
	}
	return t
}

// triggerOf is why a release came about; what nobody intended is marked.
func triggerOf(r release.Release) string {
	if r.Corrective() {
		return string(r.Trigger) + " (corrective)"
	}
	return string(r.Trigger)
}

// nameOf is the name in Name <email>.
func nameOf(actor string) string {
	name, _, _ := strings.Cut(actor, " <")
	return name
}

// changesOf counts changes, as +1 ~2 -1, without what is zero.
func changesOf(r release.Release) string {
	if s := r.Summary().String(); s != "" {
		return s
	}
	return "none"
}

// whatOf is the reason of a release, or the subject of its commit.
func whatOf(r release.Release) string {
	if r.Reason != "" {
		return r.Reason
	}
	if r.Corrective() {
		for _, c := range r.Changes {
			if c.Reason != "" {
				return c.Reason
			}
		}
	}
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	return subject
}

func showRelease(ctx context.Context, c *connection, id int64, format string) error {
	if id <= 0 {
		return usagef("--id %d is not the id of a release; `plumb history` shows them", id)
	}
	daemon, err := c.client()
	if err != nil {
		return err
	}
	r, err := daemon.Release(ctx, id)
	if err != nil {
		return err
	}
	if format != "" {
		return write(c.env.Out, format, r)
	}
	printRelease(c.env.screen(), r, c.env.Now())
	return nil
}

// printRelease is one release for people.
func printRelease(s terminal.Screen, r release.Release, now time.Time) {
	facts := &terminal.Facts{}
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	facts.Fact("Release", terminal.Strong.Of(strconv.FormatInt(r.ID, 10)))
	facts.Fact("App", r.App)
	facts.Fact("Outcome", terminal.State(r.Outcome))
	facts.Fact("Reason", r.Reason)
	facts.Fact("Trigger", triggerOf(r))
	facts.Fact("Who", r.Actor)
	facts.Fact("Revision", strings.TrimSpace(r.Revision.Commit+" "+r.Revision.Ref))
	facts.Fact("Commit", strings.Trim(subject+", "+r.Revision.Author, ", "))
	facts.Fact("Seen", when(r.Seen, now))
	facts.Fact("Planned", after(r.Seen, r.Planned))
	facts.Fact("Applied", after(r.Seen, r.Applied))
	facts.Fact("Healthy", after(r.Seen, r.Healthy))
	facts.Fact("Finished", after(r.Seen, r.Finished))
	facts.Print(s)
	printChanges(s, r.Changes)
	printAttempts(s, r)
}

// when is a time and its age.
func when(t, now time.Time) string {
	return fmt.Sprintf("%s (%s ago)", t.UTC().Format(time.RFC3339), terminal.Age(now, t))
}

// after is how long after the beginning something was; empty when it wasn't.
func after(start, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return "after " + t.Sub(start).Round(time.Millisecond).String()
}

func printChanges(s terminal.Screen, changes []release.Change) {
	if len(changes) == 0 {
		return
	}
	fmt.Fprintf(s.Out, "\n%s\n", s.Paint("Changes ("+changesOf(release.Release{Changes: changes})+"):", terminal.Strong))
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, c := range changes {
		why := strings.Trim(c.Error+"; "+c.Reason, "; ")
		if len(c.Fields) > 0 && !strings.HasPrefix(why, c.Fields[0]+" was") { // a single field is in the reason already
			why = strings.Trim(why+": "+strings.Join(c.Fields, ", "), ": ")
		}
		t.Add(c.Action, c.Object.String(), c.Origin.String(), why)
	}
	t.Print(s)
}

// printAttempts lists the attempts, unless the first one did it.
func printAttempts(s terminal.Screen, r release.Release) {
	if len(r.Attempts) < 2 && (len(r.Attempts) == 0 || r.Attempts[0].Error == "") {
		return
	}
	fmt.Fprintf(s.Out, "\n%s\n", s.Paint("Attempts:", terminal.Strong))
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, a := range r.Attempts {
		how := firstOf(a.Error, "succeeded")
		if a.Ended.IsZero() {
			how = "under way"
		}
		t.Add(a.Started.UTC().Format(time.RFC3339), strings.Replace(after(a.Started, a.Ended), "after", "took", 1), how)
	}
	t.Print(s)
}
