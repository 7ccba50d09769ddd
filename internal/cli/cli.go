package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// Env is all that a command takes from outside its arguments. A zero field
// stands for the process's own.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Now tells the time, for the ages that are printed.
	Now func() time.Time
	// Terminal tells how wide the terminal is that Out is; ok is false when it
	// is none.
	Terminal func() (columns int, ok bool)
	// Interactive says whether someone can be asked; nil means whether In and Out
	// are terminals.
	Interactive func() bool
	// ReadSecret asks for a line that the terminal doesn't show, or returns
	// ErrNoTerminal; nil asks at In.
	ReadSecret func(question string) (string, error)
	// Version is what was built, such as v0.1.0; empty means what the build
	// itself recorded.
	Version string

	// Run runs the daemon until ctx ends; `plumb run` calls it.
	Run func(ctx context.Context, opts RunOptions) error
	// RenderLocal renders a folder of this machine; `plumb render PATH` calls it.
	RenderLocal func(ctx context.Context, path string, keys KeyFiles) ([]object.Object, error)
	// DiffLocal compares with a cluster; `plumb diff PATH` calls it.
	DiffLocal func(ctx context.Context, opts LocalOptions) (plan.Plan, error)
	// ApplyLocal applies to a cluster and waits until it is healthy; `plumb apply`
	// calls it. A release that failed is no error, but one that can't be made is.
	ApplyLocal func(ctx context.Context, opts ApplyOptions) (release.Release, error)
	// More makes the commands that packages of their own hold, below this one.
	// Each says by its GroupID where it stands.
	More []func(Env) *cobra.Command
}

// withDefaults fills the zero fields.
func (e Env) withDefaults() Env {
	if e.In == nil {
		e.In = os.Stdin
	}
	if e.Out == nil {
		e.Out = os.Stdout
	}
	if e.Err == nil {
		e.Err = os.Stderr
	}
	if e.Getenv == nil {
		e.Getenv = os.Getenv
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Terminal == nil {
		e.Terminal = func() (int, bool) { return terminal.Width(e.Out) }
	}
	if e.Interactive == nil {
		e.Interactive = e.interactive
	}
	if e.ReadSecret == nil {
		e.ReadSecret = e.readSecret
	}
	return e
}

// Screen is the one that Out is.
func (e Env) Screen() terminal.Screen {
	columns, ok := e.Terminal()
	return terminal.NewScreen(e.Out, e.Getenv, columns, ok)
}

// screenOn is the same for another writer, which is where Out is.
func (e Env) screenOn(out io.Writer) terminal.Screen {
	s := e.Screen()
	s.Out = out
	return s
}

// Run carries out one command line, without the program's name, and returns
// the exit code. It is the only place that prints an error.
func Run(ctx context.Context, args []string, env Env) int {
	env = env.withDefaults()
	root := newRoot(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if text := usage.Message(err); text != "" {
		fmt.Fprintln(env.Err, "plumb: "+text)
	}
	return usage.Code(err)
}

// Tree is all commands, for those who look at what there is.
func Tree(env Env) *cobra.Command { return newRoot(env.withDefaults()) }

// newRoot is the command tree.
func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "plumb",
		Short: "Hold what runs true to what Git says",
		Long: "Plumb holds Kubernetes clusters true to what Git says: it pulls, renders, plans, applies, watches, corrects and records.\n\n" +
			"`plumb run` is the daemon that does so; the other commands ask it, or work without it.\n\n" +
			"Exit codes: 0 in line or done, 1 an error or it could not be told, 2 live differs from declared, 3 usage, 4 held.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          usage.Group,
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(usage.FlagError)
	root.CompletionOptions.DisableDefaultCmd = true
	info, _ := debug.ReadBuildInfo()
	root.Version = buildOf(env.Version, info).String()
	root.SetVersionTemplate("{{.Version}}\n")
	addCommands(root, env)
	usage.CheckArgs(root)
	return root
}

// The groups that commands stand in.
const (
	GroupRun    = "run"
	GroupLook   = "look"
	GroupAsk    = "ask"
	GroupAct    = "act"
	GroupSecret = "secret"
	GroupOther  = "other"
)

// addCommands adds all commands, in groups.
func addCommands(root *cobra.Command, env Env) {
	more := map[string][]*cobra.Command{}
	for _, command := range env.More {
		c := command(env)
		more[c.GroupID] = append(more[c.GroupID], c)
	}
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{GroupRun, "Run:", []*cobra.Command{newRunCommand(env)}},
		{GroupLook, "Look:", []*cobra.Command{
			newGetCommand(env), newTreeCommand(env), newRenderCommand(env), newDiffCommand(env), newCompareCommand(env),
		}},
		{GroupAsk, "What happened:", []*cobra.Command{
			newHistoryCommand(env), newBlameCommand(env), newEventsCommand(env), newLogsCommand(env), newWaitCommand(env),
		}},
		{GroupAct, "Act:", []*cobra.Command{
			newSyncCommand(env), newApproveCommand(env), newPauseCommand(env), newResumeCommand(env), newRollbackCommand(env), newApplyCommand(env),
		}},
		{GroupSecret, "Secrets:", nil},
		{GroupOther, "Other:", []*cobra.Command{newCompletionCommand(env), newVersionCommand(env)}},
	} {
		commands := append(g.commands, more[g.id]...)
		if len(commands) == 0 {
			continue
		}
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID(GroupOther)
	root.SetHelpCommand(usage.NewHelp())
}
