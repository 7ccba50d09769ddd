package cli

import (
	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newBlameCommand is `plumb blame`: where the fields of an object come from.
func newBlameCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		format string
		others bool
	)
	cmd := &cobra.Command{
		Use:   "blame KIND/NAME",
		Short: "Show where each field of a live object comes from: who, when, and which line of which file",
		Long: "Show where each field of a live object comes from. Of a field that Git declares: the file and line, and the commit that wrote\n" +
			"the line last. Of any other: the program (field manager) that wrote it, and when it last wrote to the object.\n\n" +
			"A line that ends with ~ is where the object begins, for which line the field is on can't be told.",
		Args: usage.OneArg("KIND/NAME of an object, such as Deployment/web"),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := c.object(args[0])
			if err != nil {
				return err
			}
			daemon, err := c.Client()
			if err != nil {
				return err
			}
			b, err := daemon.Blame(cmd.Context(), key)
			if err != nil {
				return err
			}
			if format != "" {
				return usage.Write(env.Out, format, b)
			}
			view.Blame(env.Screen(), b, others, env.Now())
			return nil
		},
	}
	c.Flags(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "namespace of the object")
	cmd.Flags().BoolVar(&others, "others", false, "only fields that don't come from Git")
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}
