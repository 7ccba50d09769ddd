package cli

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/usage"
)

// RunOptions is what `plumb run` was asked for.
type RunOptions struct {
	Root       string // URL of the root repository, or a local folder
	RootBranch string // empty: the repository's default branch
	RootPath   string // folder of the declarations; empty: all of the repository

	Kubeconfig string // empty: $KUBECONFIG, ~/.kube/config or the cluster it runs in
	Context    string // context of the kubeconfig; empty: its current one

	Data           string   // data folder
	Listen         string   // HOST:PORT of the HTTP API
	GitCredentials string   // file with credentials for repositories; empty: none
	GitAuthor      string   // who commits, NAME <ADDRESS>; empty: Plumb
	GitSigningKey  string   // file with the key that signs commits; empty: none does
	Keys           KeyFiles // what opens encrypted files
	AllowLocal     bool     // Apps may name repositories of this machine by path
	AllowEmptyRoot bool     // a root that declares nothing any more removes all that it declared
	MetricsPublic  bool     // /metrics asks for no token

	LogFormat string // text or json
	LogLevel  slog.Level

	Renders      RenderOptions
	Workers      int           // Apps worked on at once; 0: chosen by the daemon
	HistoryAge   time.Duration // releases older than this are dropped; 0: no bound
	HistoryCount int           // releases kept of each App; 0: no bound
}

// How much history is kept unless told otherwise.
const (
	defaultHistoryAge   = 90 * 24 * time.Hour
	defaultHistoryCount = 200
)

// newRunCommand is `plumb run`: the daemon.
func newRunCommand(env Env) *cobra.Command {
	o := RunOptions{HistoryAge: defaultHistoryAge}
	cmd := &cobra.Command{
		Use:   "run --root URL|DIR",
		Short: "Run the daemon: hold a cluster true to what the root declares",
		Long: "Run the daemon: follow the root repository, and hold the cluster true to the Apps that it declares.\n\n" +
			"It listens on loopback and lets in who has the token that it leaves in its data folder. It ends on SIGINT or SIGTERM,\n" +
			"and leaves everything that it applied in place.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			if env.Run == nil {
				return errors.New("this plumb was built without the daemon")
			}
			return env.Run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Root, "root", "", "the repository that declares the Apps: a URL, or a repository of this machine by its folder (required)")
	f.StringVar(&o.RootBranch, "root-branch", "", "branch of the root (default: the repository's own default)")
	f.StringVar(&o.RootPath, "root-path", "", "folder of the root that holds the declarations (default: all of it)")
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default $KUBECONFIG, ~/.kube/config, or the cluster that it runs in)")
	f.StringVar(&o.Context, "context", "", "context of the kubeconfig (default: its current one)")
	f.StringVar(&o.Data, "data", client.DefaultData(env.Getenv), "data folder: mirrors, history, token ($PLUMB_DATA)")
	f.StringVar(&o.Listen, "listen", client.DefaultAddress, "HOST:PORT of the HTTP API and the webhook")
	f.StringVar(&o.GitCredentials, "git-credentials", "", "file with credentials for repositories: docs/git.md")
	f.StringVar(&o.GitAuthor, "git-author", "", "who makes the commits of rollbacks and of live changes that are kept: \"NAME <ADDRESS>\"")
	f.StringVar(&o.GitSigningKey, "git-signing-key", "", "file with the SSH or OpenPGP private key that signs these commits")
	o.Keys.Flags(f)
	f.BoolVar(&o.AllowEmptyRoot, "allow-empty-root", false, "let a root that declares no App any more remove all that it declared")
	f.BoolVar(&o.AllowLocal, "allow-local", false, "let Apps name repositories of this machine by their path")
	f.BoolVar(&o.MetricsPublic, "metrics-public", false, "serve /metrics without the token; it tells the names of Apps and repositories")
	o.LogFormat = "text"
	f.Var(usage.OneOf(&o.LogFormat, "text", "json"), "log-format", "format of the log")
	f.TextVar(&o.LogLevel, "log-level", slog.LevelInfo, "least level that is logged: debug, info, warn or error")
	f.IntVar(&o.Workers, "workers", 0, "Apps that are worked on at once (0: as the machine allows)")
	o.Renders.flags(f)
	f.Var((*usage.Span)(&o.HistoryAge), "history-age", "how long releases are kept, such as 90d or 12h (0: forever)")
	f.IntVar(&o.HistoryCount, "history-count", defaultHistoryCount, "how many releases of each App are kept (0: all)")
	return cmd
}

// validate says what is wrong with the options.
func (o RunOptions) validate() error {
	if o.Root == "" {
		return usage.Errorf("plumb run needs --root: the repository that declares the Apps, as a URL or a folder of this machine")
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return usage.Errorf("--listen %q is not HOST:PORT, such as %s", o.Listen, client.DefaultAddress)
	}
	if o.Data == "" {
		return usage.Errorf("plumb run needs --data: a folder of its own")
	}
	if o.Workers < 0 || o.HistoryCount < 0 || o.HistoryAge < 0 {
		return usage.Errorf("--workers, --history-count and --history-age can't be negative")
	}
	return o.Renders.validate()
}
