package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

// newGetCommand is `plumb get`: what there is and how it stands.
func newGetCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Show what there is and how it stands",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	cmd.AddCommand(newGetApps(env), newGetApp(env), newGetRoot(env))
	return cmd
}

func newGetApps(env Env) *cobra.Command {
	c := &connection{env: env}
	var format, sync, health string
	cmd := &cobra.Command{
		Use:   "apps",
		Short: "List the Apps",
		Long:  "List the Apps, sorted by namespace and name. The exit code is 0 whenever they could be read, however they stand.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("plumb get apps lists all of them; `plumb get app %s` shows one", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter := client.Filter{Namespace: c.namespace, Sync: status.Sync(sync), Health: status.Health(health)}
			return getApps(cmd.Context(), c, filter, format)
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "only Apps that are declared in this namespace")
	syncs := oneOf(&sync, string(status.Synced), string(status.OutOfSync), string(status.Unknown))
	healths := oneOf(&health, string(status.Healthy), string(status.Progressing), string(status.Degraded), string(status.Suspended), string(status.HealthUnset))
	cmd.Flags().Var(syncs, "sync", "only Apps in this sync state")
	cmd.Flags().Var(healths, "health", "only Apps in this state of health")
	outputFlag(cmd.Flags(), &format, asJSON, asYAML, asWide, asName)
	return cmd
}

func getApps(ctx context.Context, c *connection, filter client.Filter, format string) error {
	daemon, err := c.client()
	if err != nil {
		return err
	}
	apps, err := daemon.Apps(ctx, filter)
	if err != nil {
		return err
	}
	switch format {
	case asJSON, asYAML:
		return write(c.env.Out, format, listOf(apps))
	case asName:
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
		appTable(apps, format == asWide, c.env.Now()).Print(c.env.screen())
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

// appTable is how Apps stand, one in a line.
func appTable(apps []status.App, wide bool, now time.Time) *terminal.Table {
	t := &terminal.Table{Header: []string{"NAMESPACE", "NAME", "SYNC", "HEALTH", "REVISION", "MESSAGE"}}
	if wide {
		t.Header = []string{"NAMESPACE", "NAME", "SYNC", "HEALTH", "REVISION", "OBJECTS", "CHECKED", "TARGET", "SOURCE", "MESSAGE"}
	}
	for _, a := range apps {
		row := []any{a.Namespace, a.Name, terminal.State(a.Sync), terminal.State(a.Health), shortCommit(a.Revision)}
		if wide {
			row = append(row, a.Objects, terminal.Age(now, a.LastCheck), a.Target.Namespace, sourceOf(a.Source))
		}
		t.Add(append(row, a.Message)...)
	}
	return t
}

// sourceOf is where an App's manifests come from, in one word.
func sourceOf(s status.Source) string {
	where := s.URL
	if s.Path != "" {
		where += "//" + s.Path
	}
	if s.Ref != "" {
		where += "@" + s.Ref
	}
	return where
}

func newGetApp(env Env) *cobra.Command {
	c := &connection{env: env}
	var format string
	cmd := &cobra.Command{
		Use:   "app NAME",
		Short: "Show one App and what is wrong with it",
		Long: "Show one App: how it stands, where it comes from, what of it is not in line or not healthy, and its newest releases.\n" +
			"The exit code is 0 whenever it could be read, however it stands; `plumb sync --wait` tells by its exit code.",
		Args: oneArg("the NAME of an App"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd.Context(), c, args[0], func(d status.Detail) error {
				switch format {
				case asJSON, asYAML:
					return write(env.Out, format, d)
				case asName:
					_, err := fmt.Fprintln(env.Out, d.ID())
					return err
				}
				printApp(env.screen(), d, env.Now())
				return nil
			})
		},
	}
	c.appFlags(cmd)
	outputFlag(cmd.Flags(), &format, asJSON, asYAML, asName)
	return cmd
}

// withApp reads the App that was named and does something with it.
func withApp(ctx context.Context, c *connection, name string, do func(status.Detail) error) error {
	daemon, err := c.client()
	if err != nil {
		return err
	}
	id, err := c.resolve(ctx, daemon, name)
	if err != nil {
		return err
	}
	detail, err := daemon.App(ctx, id)
	if err != nil {
		return err
	}
	return do(detail)
}

// printApp is one App for people.
func printApp(s terminal.Screen, d status.Detail, now time.Time) {
	facts := &terminal.Facts{}
	facts.Fact("App", terminal.Strong.Of(d.ID()))
	facts.Fact("Sync", terminal.State(d.Sync))
	facts.Fact("Health", terminal.State(d.Health))
	facts.Fact("Message", d.Message)
	facts.Fact("Revision", revisionOf(d.App))
	facts.Fact("Newest", newestOf(d.Source))
	facts.Fact("Source", sourceOf(d.Source))
	facts.Fact("Trouble", terminal.Bad.Of(d.Source.Error))
	facts.Fact("Render", d.Source.Renderer)
	facts.Fact("Target", targetOf(d.Target))
	facts.Fact("Objects", d.Objects)
	facts.Fact("Checked", terminal.Ago(now, d.LastCheck))
	facts.Fact("Failures", failuresOf(d.App, now))
	facts.Fact("Waits for", strings.Join(d.WaitingFor, ", "))
	facts.Fact("Declared", d.DeclaredAt)
	facts.Print(s)

	if wrong := wrongObjects(d.Tree); wrong.Len() > 0 {
		fmt.Fprintln(s.Out, "\n"+s.Paint("Not in line or not healthy:", terminal.Strong))
		wrong.Print(s)
	}
	if len(d.Releases) > 0 {
		fmt.Fprintln(s.Out, "\n"+s.Paint("Newest releases:", terminal.Strong))
		t := releaseTable(d.Releases[:min(len(d.Releases), 5)], false, now)
		t.Indent = "  "
		t.Print(s)
	}
}

// revisionOf says what the App is held against, and whether that changed it.
func revisionOf(a status.App) string {
	switch {
	case a.Revision == "":
		return "none yet"
	case a.Unchanged && a.ChangedAt != "":
		return fmt.Sprintf("%s (unchanged since %s)", shortCommit(a.Revision), shortCommit(a.ChangedAt))
	}
	return shortCommit(a.Revision)
}

// newestOf is the newest commit that was seen.
func newestOf(s status.Source) string {
	if s.Newest == "" {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s, %s", shortCommit(s.Newest), s.Subject, s.Author))
}

// targetOf is where an App's objects go; empty when that isn't known yet.
func targetOf(t status.Target) string {
	if t.Namespace == "" {
		return t.Cluster
	}
	return strings.TrimSuffix("namespace "+t.Namespace+" at "+t.Cluster, " at ")
}

// failuresOf tells of failed attempts and the next one; empty when all is well.
func failuresOf(a status.App, now time.Time) string {
	if a.Failures == 0 {
		return ""
	}
	text := fmt.Sprintf("%d since the last success", a.Failures)
	if a.RetryAt.After(now) {
		text += ", the next attempt in " + terminal.Short(a.RetryAt.Sub(now))
	}
	return text
}

// wrongObjects lists what of an App is not in line or not healthy.
func wrongObjects(tree []status.Object) *terminal.Table {
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, o := range tree {
		if o.Sync != status.Synced || o.Health != status.Healthy {
			t.Add(o.Key.String(), terminal.State(o.Sync), terminal.State(o.Health), o.Origin, o.Message)
		}
	}
	return t
}

func newGetRoot(env Env) *cobra.Command {
	c := &connection{env: env}
	var format string
	cmd := &cobra.Command{
		Use:   "root",
		Short: "Show the root that Apps are declared in, and what is wrong with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon, err := c.client()
			if err != nil {
				return err
			}
			root, err := daemon.Root(cmd.Context())
			if err != nil {
				return err
			}
			if format != "" {
				return write(env.Out, format, root)
			}
			printRoot(env.screen(), root)
			return nil
		},
	}
	c.flags(cmd)
	outputFlag(cmd.Flags(), &format, asJSON, asYAML)
	return cmd
}

// printRoot is the root for people.
func printRoot(s terminal.Screen, root status.Root) {
	facts := &terminal.Facts{}
	facts.Fact("Root", root.URL)
	facts.Fact("Revision", firstOf(shortCommit(root.Revision), "none yet"))
	facts.Fact("Apps", root.Apps)
	facts.Print(s)
	if len(root.Problems) == 0 {
		return
	}
	fmt.Fprintln(s.Out, "\n"+s.Paint("Not used; the rest is followed all the same:", terminal.Strong))
	for _, p := range root.Problems { // whole, however long: this is where one comes to read it
		fmt.Fprintf(s.Out, "  %s\n      %s\n", s.Paint(terminal.Printable(p.Where, ""), terminal.Bad), strings.ReplaceAll(terminal.Printable(p.Message, "\n"), "\n", "\n      "))
	}
}
