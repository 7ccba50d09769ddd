package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// build is what is known of how this program was built.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Time     string `json:"time"`     // of the commit
	Modified bool   `json:"modified"` // the commit is not all that was built
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// newVersionCommand is `plumb version`.
func newVersionCommand(env Env) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which version of plumb this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			b := buildOf(env.Version, info)
			if format != "" {
				return usage.Write(env.Out, format, b)
			}
			_, err := fmt.Fprintln(env.Out, b)
			return err
		},
	}
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// buildOf reads what the build recorded; a version that was given goes first.
func buildOf(version string, info *debug.BuildInfo) build {
	b := build{Version: cmp.Or(version, "unknown"), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	b.Version = cmp.Or(version, info.Main.Version, "unknown")
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	details := []string{b.Go, b.Platform}
	if b.Commit != "" {
		commit := "commit " + view.Commit(b.Commit)
		if b.Modified {
			commit += " with changes"
		}
		details = append([]string{commit}, details...)
	}
	return fmt.Sprintf("plumb %s (%s)", b.Version, strings.Join(details, ", "))
}
