package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
	"plumb.dev/plumb/internal/view"
)

// newApplyCommand is `plumb apply`: push, with no daemon.
func newApplyCommand(env Env) *cobra.Command {
	a := applying{env: env}
	cmd := &cobra.Command{
		Use:   "apply PATH|NAME",
		Short: "Apply a folder, or an App of a root, with no daemon: to begin with, and for pipelines that push",
		Long: "Apply a folder of this machine, or an App that a root declares, with no daemon: render, show the plan, ask, apply exactly that\n" +
			"plan, follow it until everything is healthy, and record what happened.\n\n" +
			"On a terminal it asks; elsewhere it needs --yes.\n\n" +
			"Exit codes: 0 in line and healthy, 2 it failed or was turned down, 4 something holds it, 1 an error.",
		Args: usage.OneArg("the PATH of a folder (as in ./shop), or with --root the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.check(args[0]); err != nil {
				return err
			}
			return a.apply(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&a.yes, "yes", "y", false, "don't ask")
	f.StringVar(&a.Root, "root", "", "with NAME: the repository that declares the App, a URL or a folder of this machine")
	f.StringVar(&a.RootBranch, "root-branch", "", "branch of the root (default: the repository's own default)")
	f.StringVar(&a.RootPath, "root-path", "", "folder of the root that holds the declarations (default: all of it)")
	f.StringVar(&a.Revision, "rev", "", "with NAME: the branch, tag or commit that is applied (default: what the App follows)")
	f.StringVar(&a.GitCredentials, "git-credentials", "", "file with credentials for repositories: docs/git.md")
	f.StringVarP(&a.Namespace, "namespace", "n", "", "with PATH: namespace for objects that name none (default: that of the kubeconfig's context); "+
		"with NAME: namespace that the App is declared in")
	f.BoolVar(&a.Prune, "prune", true, "with PATH: delete what an earlier apply of it brought and it doesn't declare any more; --prune=false leaves it")
	f.DurationVar(&a.Timeout, "timeout", 0, "until when everything must be healthy (default: the App's health.timeout, 5m for a folder)")
	f.StringVar(&a.Data, "data", client.DefaultData(env.Getenv), "data folder that the record is kept in ($PLUMB_DATA); no daemon may use it meanwhile")
	f.StringVar(&a.By, "by", "", "who does it, for the record (default $PLUMB_BY, else your user name and this machine's)")
	clusterFlags(f, &a.LocalOptions)
	a.Keys.Flags(f)
	usage.OutputFlag(f, &a.format, usage.AsJSON, usage.AsYAML)
	return cmd
}

// clusterFlags name the cluster where no daemon knows it.
func clusterFlags(f *pflag.FlagSet, o *LocalOptions) {
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "with PATH: kubeconfig of the cluster (default $KUBECONFIG, ~/.kube/config, or the cluster that it runs in)")
	f.StringVar(&o.Context, "context", "", "with PATH: context of the kubeconfig (default: its current one)")
}

// applying is what `plumb apply` was asked for.
type applying struct {
	ApplyOptions
	env    Env
	yes    bool
	format string
}

func (a *applying) check(what string) error {
	switch {
	case a.Timeout < 0:
		return usage.Errorf("--timeout %s is no time to wait", a.Timeout)
	case a.Data == "":
		return usage.Errorf("plumb apply needs --data: a folder for the record")
	case isPath(what):
		a.Path = what
		for flag, value := range map[string]string{"--root": a.Root, "--rev": a.Revision, "--root-path": a.RootPath, "--root-branch": a.RootBranch} {
			if value != "" {
				return usage.Errorf("%s goes with the NAME of an App", flag)
			}
		}
	case a.Root == "":
		return usage.Errorf("%s is not a path (write ./%s for a folder); for an App name the repository that declares it with --root", what, what)
	case !a.Prune:
		return usage.Errorf("--prune goes with a PATH; whether an App prunes is declared (sync.prune)")
	default:
		a.App = what
	}
	return a.env.CanAsk(a.yes, "plumb apply")
}

func (a *applying) apply(ctx context.Context) error {
	if a.env.ApplyLocal == nil {
		return errors.New("this plumb was built without applying")
	}
	a.By = whoAsks(a.env, a.By)
	a.Confirm = func(p plan.Plan) error { return a.confirm(ctx, p) }
	a.Tell = a.tell
	r, err := a.env.ApplyLocal(ctx, a.ApplyOptions)
	switch {
	case errors.Is(err, ErrHeld):
		return usage.Held(err)
	case err != nil:
		return err
	}
	if a.format != "" {
		if err := usage.Write(a.env.Out, a.format, r); err != nil {
			return err
		}
	}
	return a.end(r)
}

// confirm shows the plan and asks. With -o the output is the release, so the
// plan goes with the rest of what is told.
func (a *applying) confirm(ctx context.Context, p plan.Plan) error {
	shown := a.env
	if a.format != "" {
		shown.Out = a.env.Err
	}
	if err := printPlan(shown, p, plan.View{}); err != nil || a.yes {
		return err
	}
	return a.env.Ask(ctx, "Apply this plan?")
}

// tell prints one thing that happened to an object.
func (a *applying) tell(n ObjectNews) {
	s := a.env.Screen()
	state := s.Paint(fmt.Sprintf("%-8s", n.State), terminal.StyleOf(n.State))
	line := terminal.Printable(n.Key.String(), "")
	if n.Message != "" {
		line += ": " + terminal.Printable(n.Message, "")
	}
	fmt.Fprintf(a.env.Err, "%s  %s\n", state, line)
}

// end tells how it ended.
func (a *applying) end(r release.Release) error {
	if r.Outcome == release.Failed {
		return usage.Differs(fmt.Errorf("%s failed: %s", r.App, cmp.Or(r.Reason, "nothing says why")))
	}
	if r.Outcome != release.Succeeded {
		return fmt.Errorf("%s ended as %s: %s", r.App, r.Outcome, cmp.Or(r.Reason, "nothing says why"))
	}
	if a.format != "" {
		return nil
	}
	_, err := fmt.Fprintf(a.env.Out, "%s is in line and healthy (%s)\n", r.App, view.Changes(r))
	return err
}
