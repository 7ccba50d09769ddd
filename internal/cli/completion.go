package cli

import (
	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// newCompletionCommand is `plumb completion`: what makes a shell complete.
func newCompletionCommand(env Env) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the script that makes a shell complete commands, flags and names of Apps",
		Long: "Print the script that makes a shell complete commands, flags and names of Apps.\n\n" +
			"  bash        source <(plumb completion bash)\n" +
			"  zsh         plumb completion zsh > \"${fpath[1]}/_plumb\"\n" +
			"  fish        plumb completion fish > ~/.config/fish/completions/plumb.fish\n" +
			"  powershell  plumb completion powershell | Out-String | Invoke-Expression",
		Args:      usage.OneArg("a shell: bash, zsh, fish or powershell"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(env.Out, true)
			case "zsh":
				return root.GenZshCompletion(env.Out)
			case "fish":
				return root.GenFishCompletion(env.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(env.Out)
			}
			if near := terminal.Nearest(args[0], shells); near != "" {
				return usage.Errorf("there is no completion for %q; did you mean %s?", args[0], near)
			}
			return usage.Errorf("there is no completion for %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}
