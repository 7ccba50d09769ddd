package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newGetCommand is `plumb get`: what there is and how it stands.
func newGetCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Show what there is and how it stands",
		Args:  cobra.ArbitraryArgs,
		RunE:  usage.Group,
	}
	cmd.AddCommand(newGetApps(env), newGetApp(env), newGetPauses(env), newGetRoot(env))
	return cmd
}

func newGetApps(env Env) *cobra.Command {
	c := NewConnection(env)
	var format, sync, health string
	cmd := &cobra.Command{
		Use:   "apps",
		Short: "List the Apps",
		Long:  "List the Apps, sorted by namespace and name. The exit code is 0 whenever they could be read, however they stand.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Errorf("plumb get apps lists all of them; `plumb get app %s` shows one", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter := client.Filter{Namespace: c.namespace, Sync: status.Sync(sync), Health: status.Health(health)}
			return getApps(cmd.Context(), c, filter, format)
		},
	}
	c.Flags(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "only Apps that are declared in this namespace")
	syncs := usage.OneOf(&sync, string(status.Synced), string(status.OutOfSync), string(status.Unknown))
	healths := usage.OneOf(&health, string(status.Healthy), string(status.Progressing), string(status.Degraded), string(status.Suspended), string(status.HealthUnset))
	cmd.Flags().Var(syncs, "sync", "only Apps in this sync state")
	cmd.Flags().Var(healths, "health", "only Apps in this state of health")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML, usage.AsWide, usage.AsName)
	return cmd
}

func getApps(ctx context.Context, c *Connection, filter client.Filter, format string) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	apps, err := daemon.Apps(ctx, filter)
	if err != nil {
		return err
	}
	switch format {
	case usage.AsJSON, usage.AsYAML:
		return usage.Write(c.env.Out, format, usage.ListOf(apps))
	case usage.AsName:
		for _, a := range apps {
			fmt.Fprintln(c.env.Out, a.ID())
		}
		return nil
	}
	root, err := daemon.Root(ctx)
	if err != nil {
		return err
	}
	if len(apps) == 0 {
		fmt.Fprintln(c.env.Err, noApps(root, filter))
	} else {
		view.Apps(apps, format == usage.AsWide, c.env.Now()).Print(c.env.Screen())
	}
	if n := len(root.Problems); n > 0 {
		fmt.Fprintf(c.env.Err, "\n%s in the root; `plumb get root` shows what and where\n", terminal.Count(n, "problem", "problems"))
	}
	return nil
}

// noApps says why there may be nothing to list, and where to look.
func noApps(root status.Root, filter client.Filter) string {
	switch {
	case root.Apps > 0 && filter != (client.Filter{}):
		return fmt.Sprintf("none of the %s is like that; `plumb get apps` lists them all", terminal.Count(root.Apps, "App", "Apps"))
	case root.Revision == "" && len(root.Problems) == 0:
		return fmt.Sprintf("the root %s is being read for the first time; try again in a moment", root.URL)
	}
	return fmt.Sprintf("no Apps are declared in %s; a document of the kind App (apiVersion plumb.dev/v1alpha1) declares one: docs/app.md", root.URL)
}

func newGetApp(env Env) *cobra.Command {
	c := NewConnection(env)
	var format string
	cmd := &cobra.Command{
		Use:   "app NAME",
		Short: "Show one App and what is wrong with it",
		Long: "Show one App: how it stands, where it comes from, what of it is not in line or not healthy, and its newest releases.\n" +
			"The exit code is 0 whenever it could be read, however it stands; `plumb sync --wait` tells by its exit code.",
		Args: usage.OneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd.Context(), c, args[0], func(d status.Detail) error {
				switch format {
				case usage.AsJSON, usage.AsYAML:
					return usage.Write(env.Out, format, d)
				case usage.AsName:
					_, err := fmt.Fprintln(env.Out, d.ID())
					return err
				}
				view.App(env.Screen(), d, env.Now())
				return nil
			})
		},
	}
	c.AppFlags(cmd)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML, usage.AsName)
	return cmd
}

// withApp reads the App that was named and does something with it.
func withApp(ctx context.Context, c *Connection, name string, do func(status.Detail) error) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	id, err := c.Resolve(ctx, daemon, name)
	if err != nil {
		return err
	}
	detail, err := daemon.App(ctx, id)
	if err != nil {
		return err
	}
	return do(detail)
}

func newGetRoot(env Env) *cobra.Command {
	c := NewConnection(env)
	var format string
	cmd := &cobra.Command{
		Use:   "root",
		Short: "Show the root that Apps are declared in, and what is wrong with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			root, err := daemon.Root(cmd.Context())
			if err != nil {
				return err
			}
			if format != "" {
				return usage.Write(env.Out, format, root)
			}
			view.Root(env.Screen(), root)
			return nil
		},
	}
	c.Flags(cmd)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}
