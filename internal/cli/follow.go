package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newEventsCommand is `plumb events`: what happened, as it happens.
func newEventsCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		f    following
		q    event.Query
		kind string
	)
	cmd := &cobra.Command{
		Use:   "events [NAME]",
		Short: "Show what happened, to an App or to all, and what happens",
		Long: "Show what happened, to an App or to all, oldest first: releases, plans, approvals, pauses, drift. With -f, go on with what happens,\n" +
			"until interrupted. -o json prints one document in a line with -f, and a list without.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Kind = event.Kind(kind)
			if err := q.Validate(); err != nil {
				return usage.Errorf("%w", err)
			}
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				if q.App, err = c.Resolve(cmd.Context(), daemon, args[0]); err != nil {
					return err
				}
			}
			return showEvents(cmd.Context(), env, daemon, q, f)
		},
	}
	c.AppFlags(cmd)
	f.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "only events of this kind, such as Paused or ReleaseFailed")
	flags.Int64Var(&q.After, "after", 0, "only events with a larger id: the next page")
	flags.IntVar(&q.Limit, "limit", event.DefaultLimit, fmt.Sprintf("at most this many (up to %d); with -f, to begin with", event.MaxLimit))
	return cmd
}

// following is how something that goes on is shown.
type following struct {
	on     bool
	format string
}

func (f *following) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.on, "follow", "f", false, "go on with what comes, until interrupted")
	usage.OutputFlag(cmd.Flags(), &f.format, usage.AsJSON, usage.AsYAML)
}

// check says what doesn't go together.
func (f *following) check() error {
	if f.on && f.format == usage.AsYAML {
		return usage.Errorf("-o yaml doesn't go with --follow; -o json prints one document in a line")
	}
	return nil
}

func showEvents(ctx context.Context, env Env, daemon *client.Client, q event.Query, f following) error {
	if err := f.check(); err != nil {
		return err
	}
	show := func(e event.Event) error { return view.Event(env.Screen(), e, q.App == "") }
	if f.format == usage.AsJSON {
		show = func(e event.Event) error { return json.NewEncoder(env.Out).Encode(e) }
	}
	if f.on {
		return followed(ctx, daemon.FollowEvents(ctx, q, show))
	}
	events, err := daemon.Events(ctx, q)
	if err != nil {
		return err
	}
	if f.format != "" {
		return usage.Write(env.Out, f.format, usage.ListOf(events))
	}
	for _, e := range events {
		if err := show(e); err != nil {
			return err
		}
	}
	if len(events) == 0 {
		fmt.Fprintln(env.Err, "no events are kept of that")
	}
	return nil
}

// followed is the end of a stream: that someone interrupted it is no error.
func followed(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// newLogsCommand is `plumb logs`: what the daemon's log says of one App.
func newLogsCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		f     following
		limit int
	)
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what the daemon's log says about an App",
		Long: "Show what the daemon's log says about an App, oldest first: the newest lines since the daemon started. With -f, go on with what it\n" +
			"says, until interrupted. The logs of the App's own pods are `kubectl logs`.",
		Args: usage.OneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 || limit > event.MaxLimit {
				return usage.Errorf("--limit %d is out of range: give 1 to %d", limit, event.MaxLimit)
			}
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			id, err := c.Resolve(cmd.Context(), daemon, args[0])
			if err != nil {
				return err
			}
			return showLog(cmd.Context(), env, daemon, logging{id, limit, f})
		},
	}
	c.AppFlags(cmd)
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 200, fmt.Sprintf("at most this many lines (up to %d); with -f, to begin with", event.MaxLimit))
	return cmd
}

// logging is what `plumb logs` was asked for.
type logging struct {
	id    string
	limit int
	following
}

func showLog(ctx context.Context, env Env, daemon *client.Client, l logging) error {
	if err := l.check(); err != nil {
		return err
	}
	show := func(line event.Line) error { return view.Line(env.Screen(), line) }
	if l.format == usage.AsJSON {
		show = func(line event.Line) error { return json.NewEncoder(env.Out).Encode(line) }
	}
	if l.on {
		return followed(ctx, daemon.FollowLog(ctx, l.id, l.limit, show))
	}
	lines, err := daemon.Log(ctx, l.id, l.limit)
	if err != nil {
		return err
	}
	if l.format != "" {
		return usage.Write(env.Out, l.format, usage.ListOf(lines))
	}
	for _, line := range lines {
		if err := show(line); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		fmt.Fprintf(env.Err, "the daemon has said nothing about %s since it started\n", l.id)
	}
	return nil
}
