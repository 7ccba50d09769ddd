package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
	"plumb.dev/plumb/internal/usage"
)

// Connection is how a command reaches the daemon.
type Connection struct {
	env       Env
	daemon    client.Flags
	namespace string
	by        string // who asks
	several   bool   // it takes the names of several Apps
}

// NewConnection is one whose flags are still to be read.
func NewConnection(env Env) *Connection { return &Connection{env: env} }

// Flags adds what says where the daemon is.
func (c *Connection) Flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.daemon.Server, "server", "", "the daemon, HOST:PORT or URL (default $PLUMB_SERVER, the configuration, or a daemon of this machine)")
	f.StringVar(&c.daemon.TokenFile, "token-file", "", "file with the daemon's token (default $PLUMB_TOKEN_FILE, the configuration, or the data folder)")
	f.BoolVar(&c.daemon.PlainHTTP, "plain-http", false, "send the token unencrypted to another machine")
}

// AppFlags adds what names an App besides its argument.
func (c *Connection) AppFlags(cmd *cobra.Command) {
	c.Flags(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "namespace that the App is declared in")
	cmd.ValidArgsFunction = c.completeNames
}

// ByFlag adds what says who asks.
func (c *Connection) ByFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.by, "by", "", "who asks, for the record (default $PLUMB_BY, else your user name and this machine's)")
}

// Who is the name that the record shows.
func (c *Connection) Who() string { return whoAsks(c.env, c.by) }

// whoAsks is the name that was given, or USER@MACHINE. The daemon takes it on
// trust.
func whoAsks(env Env, given string) string {
	name := cmp.Or(given, env.Getenv("PLUMB_BY"))
	if name == "" {
		name = env.Getenv("USER")
		if u, err := user.Current(); name == "" && err == nil {
			name = u.Username
		}
		if host, err := os.Hostname(); err == nil {
			name += "@" + host
		}
	}
	name = strings.Map(func(r rune) rune {
		if terminal.Printable(string(r), "") != string(r) {
			return -1
		}
		return r
	}, name)
	return terminal.Cut(name, 100)
}

// Client is one that knows where the daemon is and has its token.
func (c *Connection) Client() (*client.Client, error) {
	found, err := client.Find(c.daemon, c.env.Getenv)
	if err != nil {
		return nil, err
	}
	return client.New(found)
}

// Resolve makes NAMESPACE/NAME of what was given: that itself, or a name in -n,
// or a name that only one App has.
func (c *Connection) Resolve(ctx context.Context, daemon *client.Client, given string) (string, error) {
	if namespace, name, full := strings.Cut(given, "/"); full {
		if namespace == "" || name == "" || strings.Contains(name, "/") {
			return "", usage.Errorf("%q is neither NAME nor NAMESPACE/NAME", given)
		}
		if c.namespace != "" && c.namespace != namespace {
			return "", usage.Errorf("%s and --namespace %s don't agree", given, c.namespace)
		}
		return given, nil
	}
	if c.namespace != "" {
		return c.namespace + "/" + given, nil
	}
	apps, err := daemon.Apps(ctx, client.Filter{})
	if err != nil {
		return "", err
	}
	return pick(apps, given)
}

// pick finds the one App that has a name.
func pick(apps []status.App, name string) (string, error) {
	var found, names []string
	for _, a := range apps {
		names = append(names, a.Name)
		if a.Name == name {
			found = append(found, a.ID())
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if near := terminal.Nearest(name, names); near != "" {
			return "", fmt.Errorf("no App %s is declared; did you mean %s?", name, near)
		}
		return "", fmt.Errorf("no App %s is declared; `plumb get apps` lists those that are", name)
	}
	slices.Sort(found)
	return "", usage.Errorf("%d Apps have the name %s; say which: %s", len(found), name, strings.Join(found, ", "))
}

// completionTime is how long a shell waits for names.
const completionTime = 5 * time.Second

// completeNames offers the names of Apps to the shell.
func (c *Connection) completeNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !c.several {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	daemon, err := c.Client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	apps, err := daemon.Apps(ctx, client.Filter{Namespace: c.namespace})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, a := range apps {
		if c.namespace != "" {
			names = append(names, a.Name)
		} else {
			names = append(names, a.ID())
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
