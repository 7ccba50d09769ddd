package cli

import (
	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newTreeCommand is `plumb tree`: the objects of an App, with their health.
func newTreeCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var format string
	cmd := &cobra.Command{
		Use:   "tree NAME",
		Short: "Show the objects of an App, with their health and where they are declared",
		Args:  usage.OneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd.Context(), c, args[0], func(d status.Detail) error {
				if format != "" {
					return usage.Write(env.Out, format, d)
				}
				view.Tree(env.Screen(), d)
				return nil
			})
		},
	}
	c.AppFlags(cmd)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}
