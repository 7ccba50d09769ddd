package cli

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newApproveCommand is `plumb approve`: let the plan that waits be applied, or
// turn it down.
func newApproveCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		opinion client.Opinion
		format  string
	)
	cmd := &cobra.Command{
		Use:   "approve NAME PLAN",
		Short: "Approve the plan of an App that waits, or turn it down",
		Long: "Approve the plan of an App that waits: exactly that one is applied. PLAN is its hash as `plumb diff` and `plumb get app` show it;\n" +
			"the first characters (at least 6) are enough.\n\n" +
			"If what the plan was made from has changed since, it isn't applied: the error (exit code 1) names the new plan.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 || len(args) == 0 {
				return usage.Errorf("plumb approve needs the NAME of an App and the hash of its PLAN, and got %d arguments", len(args))
			}
			return approve(cmd.Context(), c, args, opinion, format)
		},
	}
	c.AppFlags(cmd)
	cmd.ValidArgsFunction = c.completePlan
	c.ByFlag(cmd)
	cmd.Flags().BoolVar(&opinion.Refuse, "refuse", false, "turn the plan down: it isn't applied")
	cmd.Flags().StringVar(&opinion.Why, "why", "", "the reason, for the record")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

func approve(ctx context.Context, c *Connection, args []string, o client.Opinion, format string) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	id, err := c.Resolve(ctx, daemon, args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return whichPlan(ctx, daemon, id)
	}
	o.Plan, o.By = args[1], c.Who()
	said, err := daemon.Approve(ctx, id, o)
	if err != nil {
		return err
	}
	if format != "" {
		return usage.Write(c.env.Out, format, said)
	}
	did, next := "approved", fmt.Sprintf("`plumb get app %s` shows how it goes", id)
	if said.Refuse {
		did, next = "refused", "it isn't applied; the next change makes another plan"
	}
	c.env.Screen().Say("%s: plan %s was %s by %s; %s", id, plan.Short(said.Plan), did, said.By, next)
	return nil
}

// completePlan offers the names of Apps to the shell, and then the plan of the
// one that was named, if one waits.
func (c *Connection) completePlan(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return c.completeNames(cmd, args, begun)
	}
	var plans []string
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	// Whatever goes wrong, there is nothing to offer.
	_ = withApp(ctx, c, args[0], func(d status.Detail) error {
		if d.Plan != nil {
			plans = append(plans, plan.Short(d.Plan.Hash))
		}
		return nil
	})
	return plans, cobra.ShellCompDirectiveNoFileComp
}

// whichPlan says which plan could have been meant.
func whichPlan(ctx context.Context, daemon *client.Client, id string) error {
	d, err := daemon.App(ctx, id)
	if err != nil {
		return err
	}
	if d.Plan == nil {
		return fmt.Errorf("no plan of %s waits for approval", id)
	}
	return usage.Errorf("say which plan you have seen: `plumb diff %s` shows the one that waits, and `plumb approve %s %s` approves it", id, id, plan.Short(d.Plan.Hash))
}

// newPauseCommand is `plumb pause`: leave things as they are for a while.
func newPauseCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		all                 bool
		length, why, format string
	)
	cmd := &cobra.Command{
		Use:   "pause NAME|KIND/NAME|--all --for TIME --reason TEXT",
		Short: "Leave an App, an object or everything as it is for a while",
		Long: "Leave an App, an object or everything as it is for a while: neither what is declared nor what drifted is put right. What differs\n" +
			"is still shown. Who paused it, why and until when is shown wherever the App is.\n\n" +
			"A name with a capital kind before it (Deployment/web, Deployment/shop/web, Deployment.apps/web) is an object.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			span, err := gate.ParseLength(length)
			switch {
			case length == "":
				return usage.Errorf("plumb pause needs --for: how long, such as 30m, 1h or 2d")
			case err != nil:
				return usage.Errorf("--for: %w", err)
			case strings.TrimSpace(why) == "":
				return usage.Errorf("plumb pause needs --reason: whoever looks at the App is shown it")
			}
			return pause(cmd.Context(), c, pausing{args: args, all: all, length: span, reason: why, format: format})
		},
	}
	c.AppFlags(cmd)
	c.ByFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "everything")
	f.StringVar(&length, "for", "", "how long, such as 30m, 1h or 2d; at most 30d (required)")
	f.StringVar(&why, "reason", "", "why; everyone who looks at the App is shown it (required)")
	usage.OutputFlag(f, &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// pausing is what `plumb pause` was asked for.
type pausing struct {
	args           []string
	all            bool
	length         time.Duration
	reason, format string
}

func pause(ctx context.Context, c *Connection, p pausing) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	what, err := c.covered(ctx, daemon, p.args, p.all)
	if err != nil {
		return err
	}
	done, err := daemon.Pause(ctx, what, p.length, c.Who(), p.reason)
	if err != nil {
		return err
	}
	if p.format != "" {
		return usage.Write(c.env.Out, p.format, done)
	}
	c.env.Screen().Say("%s is paused until %s; `%s` ends it before", view.Paused(done), view.Clock(done.Until), view.ResumeCommand(done))
	return nil
}

// covered reads what a pause is of: an App, an object, or everything.
func (c *Connection) covered(ctx context.Context, daemon *client.Client, args []string, all bool) (client.Covered, error) {
	switch {
	case all && len(args) > 0:
		return client.Covered{}, usage.Errorf("give either %s or --all", args[0])
	case all:
		return client.Covered{All: true}, nil
	case len(args) != 1:
		return client.Covered{}, usage.Errorf("say what is meant: the NAME of an App, KIND/NAME of an object, or --all; got %d arguments", len(args))
	case isObject(args[0]):
		key, err := c.object(args[0])
		return client.Covered{Object: &key}, err
	}
	id, err := c.Resolve(ctx, daemon, args[0])
	return client.Covered{App: id}, err
}

// isObject says whether an argument is KIND/NAME and not NAMESPACE/NAME: kinds
// begin with a capital, which no namespace has.
func isObject(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(first) && strings.Contains(s, "/")
}

// object reads KIND/NAME, with the namespace in it or in -n.
func (c *Connection) object(s string) (object.Key, error) {
	key, err := object.ParseKey(s)
	if err != nil {
		return key, usage.Errorf("%w", err)
	}
	if c.namespace != "" && key.Namespace != "" && c.namespace != key.Namespace {
		return key, usage.Errorf("%s and --namespace %s don't agree", s, c.namespace)
	}
	if key.Namespace == "" {
		key.Namespace = c.namespace
	}
	return key, nil
}

// newResumeCommand is `plumb resume`: end a pause.
func newResumeCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		ending client.Ending
		all    bool
		format string
	)
	cmd := &cobra.Command{
		Use:   "resume NAME|KIND/NAME|--all",
		Short: "End a pause: put back what is declared, or keep what is live",
		Long: "End a pause. What is declared is put back; with --keep, what was changed meanwhile is written to Git instead, as a commit on a\n" +
			"branch, and the files and lines that it changes are listed. An App that is held after a failed release goes on, too.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if ending.Branch != "" && !ending.Keep {
				return usage.Errorf("--branch goes with --keep: nothing is written to Git otherwise")
			}
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			if ending.Covered, err = c.covered(cmd.Context(), daemon, args, all); err != nil {
				return err
			}
			ending.By = c.Who()
			done, err := daemon.Resume(cmd.Context(), ending)
			if err != nil {
				return err
			}
			if format != "" {
				return usage.Write(env.Out, format, done)
			}
			view.Resumed(env.Screen(), done, ending.Keep)
			if n := len(done.Lost); n > 0 {
				return fmt.Errorf("%s could not be written to Git", terminal.Count(n, "change", "changes"))
			}
			return nil
		},
	}
	c.AppFlags(cmd)
	c.ByFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "the pause of everything; those of single Apps and objects stay")
	f.BoolVar(&ending.Keep, "keep", false, "write what was changed meanwhile to Git, in place of putting back what is declared")
	f.StringVar(&ending.Branch, "branch", "", "with --keep: the branch to push to (default: a new one)")
	usage.OutputFlag(f, &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

func newGetPauses(env Env) *cobra.Command {
	c := NewConnection(env)
	var format string
	cmd := &cobra.Command{
		Use:   "pauses",
		Short: "List what is paused: by whom, why and until when",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			pauses, err := daemon.Pauses(cmd.Context())
			if err != nil {
				return err
			}
			if format != "" {
				return usage.Write(env.Out, format, usage.ListOf(pauses))
			}
			if len(pauses) == 0 {
				fmt.Fprintln(env.Err, "nothing is paused")
				return nil
			}
			view.Pauses(pauses, env.Now()).Print(env.Screen())
			return nil
		},
	}
	c.Flags(cmd)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}
