// Package rotate is the command `plumb rotate`: give generated secrets new values.
// It only asks the daemon, which does it.
package rotate

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/usage"
)

// Command is `plumb rotate`.
func Command(env cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rotate",
		GroupID: cli.GroupSecret,
		Short:   "Give generated secrets new values",
		Args:    cobra.ArbitraryArgs,
		RunE:    usage.Group,
	}
	cmd.AddCommand(newSecret(env))
	return cmd
}

func newSecret(env cli.Env) *cobra.Command {
	c := cli.NewConnection(env)
	var app, format string
	cmd := &cobra.Command{
		Use:   "secret NAMESPACE/NAME",
		Short: "Make the generated values of a Secret anew",
		Long: "Make the generated values of a Secret (annotation plumb.dev/generate) anew, and restart the workloads that it names\n" +
			"(plumb.dev/restart). The record and the events say who did it; no value is shown anywhere.",
		Args: usage.OneArg("the NAMESPACE/NAME of a Secret"),
		RunE: func(cmd *cobra.Command, args []string) error {
			namespace, name, ok := strings.Cut(args[0], "/")
			if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
				return usage.Errorf("%q is no NAMESPACE/NAME", args[0])
			}
			return rotate(cmd.Context(), env, c, client.Rotate{Namespace: namespace, Name: name, App: app}, format)
		},
	}
	c.Flags(cmd)
	c.ByFlag(cmd)
	cmd.Flags().StringVar(&app, "app", "", "the App (NAMESPACE/NAME) that declares it, where several do")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

func rotate(ctx context.Context, env cli.Env, c *cli.Connection, r client.Rotate, format string) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	r.By = c.Who()
	done, err := daemon.Rotate(ctx, r)
	if err != nil {
		return err
	}
	if format != "" {
		return usage.Write(env.Out, format, done)
	}
	env.Screen().Say("%s of the App %s has new values", done.Object, done.App)
	for _, key := range done.Restarted {
		env.Screen().Say("%s is restarted", key)
	}
	return nil
}
