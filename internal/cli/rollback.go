package cli

import (
	"context"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newRollbackCommand is `plumb rollback`: a commit that takes changes back.
func newRollbackCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var r rolling
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Make a commit that restores what an App was made from at an earlier release",
		Long: "Make and push a commit that restores everything that an App was made from (bases included) to what it was at an earlier release.\n" +
			"Nothing is done beside Git: the App follows the commit as it follows every other.\n\n" +
			"What would be done is shown first: the files, and the commits that are taken back. On a terminal it asks; elsewhere it needs --yes.\n" +
			"Where other Apps are made from the same files it is refused and lists them, unless --with-others is given.",
		Args: usage.OneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.To < 0 {
				return usage.Errorf("--to %d is not the id of a release; `plumb history` shows them", r.To)
			}
			return r.do(cmd.Context(), c, args[0])
		},
	}
	c.AppFlags(cmd)
	c.ByFlag(cmd)
	f := cmd.Flags()
	f.Int64Var(&r.To, "to", 0, "id of the release (default: the newest success before what is live)")
	f.StringVar(&r.Branch, "branch", "", "branch to push to, such as one for a pull request (default: the one that the App follows)")
	f.StringVar(&r.Why, "why", "", "the reason, for the commit's message")
	f.BoolVar(&r.WithOthers, "with-others", false, "go on where other Apps are made from the same files")
	f.BoolVarP(&r.yes, "yes", "y", false, "don't ask")
	usage.OutputFlag(f, &r.format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// rolling is what `plumb rollback` was asked for.
type rolling struct {
	client.Rollback
	yes    bool
	format string
}

func (r *rolling) do(ctx context.Context, c *Connection, name string) error {
	if err := c.env.CanAsk(r.yes, "plumb rollback"); err != nil {
		return err
	}
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	id, err := c.Resolve(ctx, daemon, name)
	if err != nil {
		return err
	}
	r.By = c.Who()
	if !r.yes {
		r.DryRun = true
		would, err := daemon.Rollback(ctx, id, r.Rollback)
		if err != nil {
			return err
		}
		view.Rollback(c.env.screenOn(c.env.Err), would)
		if err := c.env.Ask(ctx, "Make and push this commit?"); err != nil {
			return err
		}
		r.DryRun, r.To = false, would.Release // what was shown, even if a newer success came meanwhile
	}
	done, err := daemon.Rollback(ctx, id, r.Rollback)
	if err != nil {
		return err
	}
	if r.format != "" {
		return usage.Write(c.env.Out, r.format, done)
	}
	if r.yes && done.Commit != "" {
		view.Rollback(c.env.Screen(), done)
	}
	view.RolledBack(c.env.Screen(), done)
	return nil
}
