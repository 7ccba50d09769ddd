package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// newDiffCommand is `plumb diff`: the plan, not applied.
func newDiffCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var d diffing
	cmd := &cobra.Command{
		Use:   "diff NAME|PATH",
		Short: "Show what would be done, without doing it",
		Long: "Show the plan of an App, or of a folder of this machine against a cluster: what would be created, changed and deleted.\n\n" +
			"What is . or begins with ./, ../ or / is a PATH and needs no daemon. With --rev, the plan is what merging that branch or\n" +
			"commit would do; with --all, for every App that this revision of the root repository touches.\n\n" +
			"Exit codes: 0 in line, 2 it differs, 4 it differs and something holds it, 1 an error or not everything could be compared.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.check(cmd, args); err != nil {
				return err
			}
			switch {
			case d.all:
				return d.ofAll(cmd.Context(), c)
			case isPath(args[0]):
				return d.ofFolder(cmd.Context(), c, args[0])
			}
			return d.ofApp(cmd.Context(), c, args[0])
		},
	}
	c.AppFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&d.local.Revision, "rev", "", "as this branch, tag or commit declares it")
	f.BoolVar(&d.all, "all", false, "with --rev: of every App that this revision of the root repository touches")
	f.BoolVar(&d.local.Undeclared, "undeclared", false, "list the objects of its namespaces that nobody declares, too")
	f.BoolVar(&d.full, "full", false, "show long values and long lists of fields as a whole")
	clusterFlags(f, &d.local)
	d.local.Keys.Flags(f)
	usage.OutputFlag(f, &d.format, usage.AsText, usage.AsJSON, usage.AsYAML, usage.AsMarkdown)
	return cmd
}

// diffing is what `plumb diff` was asked for.
type diffing struct {
	local     LocalOptions
	all, full bool
	format    string
}

// check says what doesn't go together.
func (d *diffing) check(cmd *cobra.Command, args []string) error {
	if d.all {
		switch {
		case d.local.Revision == "":
			return usage.Errorf("--all goes with --rev: the branch or commit that would be merged")
		case len(args) > 0:
			return usage.Errorf("--all is of every App; leave %s out", args[0])
		case d.local.Undeclared:
			return usage.Errorf("--undeclared goes with one App")
		}
		return nil
	}
	if err := usage.OneArg("the NAME of an App or the PATH of a folder (as in ./shop)")(cmd, args); err != nil {
		return err
	}
	local := isPath(args[0])
	if !local && !d.local.Keys.None() {
		return usage.Errorf("keys go with a PATH; the daemon has its own")
	}
	for _, flag := range []string{"kubeconfig", "context"} {
		if !local && cmd.Flags().Changed(flag) {
			return usage.Errorf("--%s goes with a PATH; the daemon knows the cluster of an App", flag)
		}
	}
	if local && d.local.Revision != "" {
		return usage.Errorf("--rev goes with an App; check the revision out to compare a folder of it")
	}
	return nil
}

func (d *diffing) ofApp(ctx context.Context, c *Connection, name string) error {
	daemon, err := c.Client()
	if err != nil {
		return orFolder("diff", name, err)
	}
	id, err := c.Resolve(ctx, daemon, name)
	if err != nil {
		return orFolder("diff", name, err)
	}
	p, err := daemon.Plan(ctx, id, client.PlanQuery{Revision: d.local.Revision, Undeclared: d.local.Undeclared})
	if err != nil {
		return orFolder("diff", name, err)
	}
	if d.local.Revision != "" { // what isn't merged isn't held
		return d.show(c.env, p, "", nil)
	}
	detail, err := daemon.App(ctx, id)
	if err != nil {
		return err
	}
	next := ""
	if detail.Plan != nil && detail.Plan.Hash == p.Hash {
		next = "plumb approve " + id + " " + p.Short()
	}
	return d.show(c.env, p, next, detail.Hold)
}

func (d *diffing) ofFolder(ctx context.Context, c *Connection, path string) error {
	env := c.env
	if env.DiffLocal == nil {
		return errors.New("this plumb was built without comparing of local folders")
	}
	d.local.Path, d.local.Namespace = path, c.namespace
	p, err := env.DiffLocal(ctx, d.local)
	if err != nil {
		return err
	}
	return d.show(env, p, "plumb apply "+path, nil)
}

// show prints one plan; next is what to do with it.
func (d *diffing) show(env Env, p plan.Plan, next string, hold *gate.Hold) error {
	var err error
	switch d.format {
	case usage.AsJSON, usage.AsYAML:
		err = usage.Write(env.Out, d.format, p)
	case usage.AsMarkdown:
		_, err = fmt.Fprint(env.Out, p.Markdown(plan.View{Full: d.full, Next: next}))
	default:
		err = printPlan(env, p, plan.View{Full: d.full, Next: next})
	}
	if err != nil {
		return err
	}
	return verdictOf(p, hold)
}

// printPlan shows a plan to people.
func printPlan(env Env, p plan.Plan, v plan.View) error {
	v.Colour = env.Screen().Colour
	_, err := fmt.Fprint(env.Out, p.Text(v))
	return err
}

// verdictOf is the exit code that a plan stands for. What the plan says already
// isn't said again.
func verdictOf(p plan.Plan, hold *gate.Hold) error {
	switch {
	case !p.Complete:
		return fmt.Errorf("%s: not everything could be compared", p.App)
	case p.InLine():
		return nil
	case hold != nil:
		return usage.Held(fmt.Errorf("%s is held (%s): %s", p.App, hold.Reason, hold.Message))
	}
	return usage.Differs(nil)
}

func (d *diffing) ofAll(ctx context.Context, c *Connection) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	plans, err := daemon.Plans(ctx, d.local.Revision)
	if err != nil {
		return err
	}
	if d.format == usage.AsJSON || d.format == usage.AsYAML {
		if err := usage.Write(c.env.Out, d.format, usage.ListOf(plans)); err != nil {
			return err
		}
		return verdictOfAll(plans)
	}
	for i, p := range plans {
		if i > 0 {
			fmt.Fprintln(c.env.Out)
		}
		if d.format == usage.AsMarkdown {
			_, err = fmt.Fprint(c.env.Out, p.Markdown(plan.View{Full: d.full}))
		} else {
			err = printPlan(c.env, p, plan.View{Full: d.full})
		}
		if err != nil {
			return err
		}
	}
	if len(plans) == 0 {
		fmt.Fprintln(c.env.Err, terminal.Printable(d.local.Revision, "")+" touches no App")
	}
	return verdictOfAll(plans)
}

// verdictOfAll is the exit code that several plans stand for, the worst first.
func verdictOfAll(plans []plan.Plan) error {
	var incomplete []string
	inLine := true
	for _, p := range plans {
		if !p.Complete {
			incomplete = append(incomplete, p.App)
		}
		inLine = inLine && p.InLine()
	}
	switch {
	case len(incomplete) > 0:
		return fmt.Errorf("not everything could be compared of: %s", strings.Join(incomplete, ", "))
	case inLine:
		return nil
	}
	return usage.Differs(nil)
}

// newCompareCommand is `plumb compare`: in what two Apps differ.
func newCompareCommand(env Env) *cobra.Command {
	c := &Connection{env: env, several: true}
	var format string
	cmd := &cobra.Command{
		Use:   "compare NAME NAME",
		Short: "Show in what two Apps differ: images, charts and fields, as in two environments",
		Long: "Show in what two Apps differ as they are declared: images, charts and fields, as in two environments of one thing.\n\n" +
			"Exit codes: 0 they declare the same, 2 they differ.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage.Errorf("plumb compare needs the NAMEs of two Apps, and got %d", len(args))
			}
			return compareApps(cmd.Context(), c, args, format)
		},
	}
	c.AppFlags(cmd)
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML)
	return cmd
}

func compareApps(ctx context.Context, c *Connection, names []string, format string) error {
	daemon, err := c.Client()
	if err != nil {
		return err
	}
	ids := make([]string, len(names))
	for i, name := range names {
		if ids[i], err = c.Resolve(ctx, daemon, name); err != nil {
			return err
		}
	}
	found, err := daemon.Compare(ctx, ids[0], ids[1])
	if err != nil {
		return err
	}
	if format != "" {
		err = usage.Write(c.env.Out, format, found)
	} else {
		_, err = fmt.Fprint(c.env.Out, found.Text(plan.View{Colour: c.env.Screen().Colour}))
	}
	if err == nil && !found.Same() {
		return usage.Differs(nil)
	}
	return err
}
