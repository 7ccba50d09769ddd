package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newHistoryCommand is `plumb history`: what happened.
func newHistoryCommand(env Env) *cobra.Command {
	p := past{Connection: NewConnection(env)}
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "Show the releases of an App, or of all",
		Long: "Show the releases of an App, or of all Apps, newest first: who changed what, why, and how it ended.\n\n" +
			"CHANGES counts objects: + created, ~ changed, - deleted. A corrective release put back what was changed outside Git.\n" +
			"NAMESPACE/NAME finds the releases of an App that is no longer declared, too. --since and --until take an age (2d, 12h),\n" +
			"a day (2026-11-20) or a time (2026-11-20T12:00:00Z).",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, args); err != nil {
				return err
			}
			daemon, err := p.Client()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				if p.query.App, err = p.Resolve(cmd.Context(), daemon, args[0]); err != nil {
					return err
				}
			}
			switch {
			case p.id != 0:
				return p.one(cmd.Context(), daemon.Release)
			case p.export:
				_, err := history.Export(cmd.Context(), daemon.Releases, p.query, env.Out)
				return err
			}
			return p.list(cmd.Context(), daemon.Releases)
		},
	}
	p.AppFlags(cmd)
	p.flags(cmd)
	return cmd
}

// past is what `plumb history` was asked for.
type past struct {
	*Connection
	query            history.Query
	outcome, trigger string
	since, until     string
	id               int64
	export           bool
	format           string
}

func (p *past) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Int64Var(&p.id, "id", 0, "show one release whole")
	f.StringVar(&p.query.Commit, "commit", "", "only releases of commits that begin with this (at least 4 characters)")
	f.StringVar(&p.query.Author, "author", "", "only releases of commits whose author (name or e-mail) holds this")
	f.StringVar(&p.query.Object, "object", "", "only releases that changed this object: KIND/NAME or KIND/NAMESPACE/NAME")
	f.BoolVar(&p.query.Intended, "intended", false, "leave out corrective releases")
	f.StringVar(&p.since, "since", "", "only releases seen since then: an age, a day or a time")
	f.StringVar(&p.until, "until", "", "only releases seen before: an age, a day or a time")
	f.IntVar(&p.query.Limit, "limit", history.DefaultLimit, "at most this many (up to "+strconv.Itoa(history.MaxLimit)+")")
	f.Int64Var(&p.query.Before, "before", 0, "only releases with a smaller id: the next page")
	f.Var(usage.OneOf(&p.outcome, texts(release.Outcomes())...), "outcome", "only releases that ended so")
	f.Var(usage.OneOf(&p.trigger, texts(release.Triggers())...), "trigger", "only releases that came about so")
	f.BoolVar(&p.export, "export", false, "print all of them as JSON lines, one release in a line; --limit doesn't count")
	usage.OutputFlag(f, &p.format, usage.AsJSON, usage.AsYAML, usage.AsWide)
}

// texts are words as text.
func texts[Word ~string](words []Word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// check reads what was given, and says what is wrong with it.
func (p *past) check(cmd *cobra.Command, args []string) (err error) {
	p.query.Outcome, p.query.Trigger = release.Outcome(p.outcome), release.Trigger(p.trigger)
	if p.query.Since, err = p.moment("--since", p.since); err != nil {
		return err
	}
	if p.query.Until, err = p.moment("--until", p.until); err != nil {
		return err
	}
	if p.query.Object != "" {
		if _, err := object.ParseKey(p.query.Object); err != nil {
			return usage.Errorf("--object: %w", err)
		}
	}
	if err := p.query.Validate(); err != nil {
		return usage.Errorf("%w", err)
	}
	byID := cmd.Flags().Changed("id")
	switch {
	case byID && len(args) > 0:
		return usage.Errorf("give either NAME or --id")
	case byID && p.id <= 0:
		return usage.Errorf("--id %d is not the id of a release; `plumb history` shows them", p.id)
	case byID && p.export:
		return usage.Errorf("give either --export or --id; --id with -o json prints one release")
	case p.export && p.format != "":
		return usage.Errorf("--export prints JSON lines; leave -o %s out", p.format)
	}
	return nil
}

// moment reads an age, a day or a time; empty is none.
func (p *past) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var ago usage.Span
	if ago.Set(text) == nil {
		return p.env.Now().Add(-time.Duration(ago)), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage.Errorf("%s %q is no age (2d, 12h), day (2026-11-20) or time (2026-11-20T12:00:00Z)", flag, text)
}

func (p *past) list(ctx context.Context, ask history.Lister) error {
	releases, err := ask(ctx, p.query)
	if err != nil {
		return err
	}
	if p.format == usage.AsJSON || p.format == usage.AsYAML {
		return usage.Write(p.env.Out, p.format, usage.ListOf(releases))
	}
	if len(releases) == 0 {
		fmt.Fprintln(p.env.Err, "no releases are kept of that; `plumb history` without a filter lists all")
		return nil
	}
	columns := view.Columns{App: p.query.App == "", Wide: p.format == usage.AsWide}
	view.Releases(releases, columns, p.env.Now()).Print(p.env.Screen())
	if len(releases) == p.query.Limit {
		fmt.Fprintf(p.env.Err, "there may be more: add --before %d\n", releases[len(releases)-1].ID)
	}
	return nil
}

// one shows a release whole.
func (p *past) one(ctx context.Context, ask func(context.Context, int64) (release.Release, error)) error {
	r, err := ask(ctx, p.id)
	if err != nil {
		return err
	}
	if p.format == usage.AsJSON || p.format == usage.AsYAML {
		return usage.Write(p.env.Out, p.format, r)
	}
	view.Release(p.env.Screen(), r, p.env.Now())
	return nil
}
