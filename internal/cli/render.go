package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// newRenderCommand is `plumb render`: the objects, as they would be applied.
func newRenderCommand(env Env) *cobra.Command {
	c := NewConnection(env)
	var (
		format string
		keys   KeyFiles
	)
	cmd := &cobra.Command{
		Use:   "render NAME|PATH",
		Short: "Print the objects of an App or a folder, as they would be applied",
		Long: "Print the objects of an App, or of a folder of this machine, as they would be applied.\n\n" +
			"What is . or begins with ./, ../ or / is a PATH and needs no daemon. Of an App the values of Secrets are hidden;\n" +
			"a folder is yours, and shown as it is.",
		Args: usage.OneArg("the NAME of an App or the PATH of a folder (as in ./shop)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isPath(args[0]) && !keys.None() {
				return usage.Errorf("keys go with a PATH; the daemon has its own")
			}
			objects, err := rendered(cmd.Context(), c, args[0], keys)
			if err != nil {
				return err
			}
			return printObjects(env, format, objects)
		},
	}
	c.AppFlags(cmd)
	keys.Flags(cmd.Flags())
	usage.OutputFlag(cmd.Flags(), &format, usage.AsJSON, usage.AsYAML, usage.AsName)
	return cmd
}

// manifest is the content of one object, and where it is declared as far as known.
type manifest struct {
	content map[string]any
	origin  string
}

// rendered are the objects of an App or a folder.
func rendered(ctx context.Context, c *Connection, what string, keys KeyFiles) ([]manifest, error) {
	if isPath(what) {
		return renderedLocally(ctx, c.env, what, keys)
	}
	daemon, err := c.Client()
	if err != nil {
		return nil, orFolder("render", what, err)
	}
	id, err := c.Resolve(ctx, daemon, what)
	if err != nil {
		return nil, orFolder("render", what, err)
	}
	contents, err := daemon.Render(ctx, id)
	if err != nil {
		return nil, orFolder("render", what, err)
	}
	objects := make([]manifest, len(contents))
	for i, content := range contents {
		objects[i] = manifest{content: content}
	}
	return objects, nil
}

// isPath says whether an argument is a path by its looks.
func isPath(s string) bool {
	return s == "." || s == ".." || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "/")
}

// orFolder adds to an error that a folder was perhaps meant.
func orFolder(command, what string, err error) error {
	if info, statErr := os.Stat(what); statErr != nil || !info.IsDir() {
		return err
	}
	return fmt.Errorf("%w\n(%s is also a folder here: for that write `plumb %s ./%s`)", err, what, command, what)
}

func renderedLocally(ctx context.Context, env Env, path string, keys KeyFiles) ([]manifest, error) {
	if env.RenderLocal == nil {
		return nil, errors.New("this plumb was built without rendering of local folders")
	}
	found, err := env.RenderLocal(ctx, path, keys)
	if err != nil {
		return nil, err
	}
	objects := make([]manifest, len(found))
	for i, o := range found {
		objects[i] = manifest{content: o.Unstructured.Object, origin: o.Origin.String()}
	}
	return objects, nil
}

// printObjects prints objects: as YAML documents that kubectl takes, or as a
// list for programs.
func printObjects(env Env, format string, objects []manifest) error {
	switch format {
	case usage.AsJSON, usage.AsYAML:
		contents := make([]map[string]any, len(objects))
		for i, o := range objects {
			contents[i] = o.content
		}
		return usage.Write(env.Out, format, usage.ListOf(contents))
	case usage.AsName:
		for _, o := range objects {
			fmt.Fprintln(env.Out, terminal.Printable(keyOf(o.content).String(), ""))
		}
		return nil
	}
	for i, o := range objects {
		if i > 0 {
			fmt.Fprintln(env.Out, "---")
		}
		if o.origin != "" {
			fmt.Fprintln(env.Out, "# "+terminal.Printable(o.origin, ""))
		}
		content, err := yaml.Marshal(o.content)
		if err != nil {
			return err
		}
		if _, err := env.Out.Write(content); err != nil {
			return err
		}
	}
	if len(objects) == 0 {
		fmt.Fprintln(env.Err, "there are no objects")
	}
	return nil
}

// keyOf is the identity of an object by its content.
func keyOf(content map[string]any) object.Key {
	kind, _ := content["kind"].(string)
	metadata, _ := content["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	name, _ := metadata["name"].(string)
	return object.Key{Kind: kind, Namespace: namespace, Name: name}
}
