package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/credentials"
	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/hook"
	"plumb.dev/plumb/internal/logs"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/cache"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sealed"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/folder"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/target/kube"
)

// renderers are the ways of rendering, the most particular first. Kustomizations
// may name bases of the repositories that are allowed.
func renderers(remote func(url string) bool) render.Set {
	return render.Set{kustomize.Renderer{Remote: remote}, kustomize.Patching{Renderer: helm.New()}, plain.Renderer{}}
}

// anywhere allows bases of every repository: where another decides, and for who
// renders a folder of their own.
func anywhere(string) bool { return true }

// cachedRenderers keep what renders came to in the data folder.
func cachedRenderers(from render.Set, data string, keys *secret.Keys, log *slog.Logger) *cache.Cache {
	opens := opening(keys)
	opens.Set = from
	return cache.Open(cache.Options{From: opens, Dir: filepath.Join(data, "renders"), Version: program(), Log: log})
}

// opening renders with encrypted files opened. Without keys it says for whom
// each of them is.
func opening(keys *secret.Keys) render.Opening {
	return render.Opening{Set: renderers(anywhere), Opener: sops.Opener{Keys: keys}, Unsealer: sealed.Opener{Keys: keys}}
}

// program names this build. The version doesn't tell builds of changed sources
// apart, but their files differ.
func program() string {
	file := ""
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			file = fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano())
		}
	}
	return version + " " + file
}

// run is `plumb run`: it makes the parts and hands them to the daemon.
func (p process) run(ctx context.Context, o cli.RunOptions) error {
	tail := logs.NewTail(logs.DefaultBounds())
	log := newLog(p.said, o, tail)
	slog.SetDefault(log)
	klog.SetLogger(logr.FromSlogHandler(quiet{log.Handler()})) // the Kubernetes client's own log

	unlock, err := daemon.Lock(o.Data)
	if err != nil {
		return err
	}
	defer unlock()
	metrics := daemon.NewMetrics()
	root, err := rootRef(o)
	if err != nil {
		return err
	}
	sources, err := openSource(ctx, o, root, metrics, log)
	if err != nil {
		return err
	}
	defer sources.Close()
	cluster, err := openCluster(o, metrics, log)
	if err != nil {
		return err
	}
	writer, err := openWriter(o, sources.git)
	if err != nil {
		return err
	}
	files := o.Keys.Files()
	files.Own = o.Data
	keys, err := secret.Load(files)
	if err != nil {
		return err
	}
	renders, endRenders, err := rendering(o.Renders, metrics, log)
	if err != nil {
		return err
	}
	defer endRenders()
	store, err := openHistory(ctx, o, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := store.Close(); err != nil {
			log.Error("the history can't be closed", "error", err)
		}
	}()
	return daemon.Run(ctx, daemon.Parts{
		Source: sources, Past: sources, Looker: sources, Commit: writer, Reader: cluster, Secrets: cluster, Explorer: cluster, Renderer: cachedRenderers(renders, o.Data, keys, log), Target: cluster, History: store, Metrics: metrics, Log: log, Logs: tail, Keys: keys,
		Hook: func(secret string) http.Handler {
			return &hook.Handler{Secret: []byte(secret), Refresh: sources.Refresh, Logger: log, Received: metrics.Hooked}
		},
	}, daemon.Options{
		Root: root, RootPath: o.RootPath, RootEvery: time.Minute, AllowEmpty: o.AllowEmptyRoot, Data: o.Data, Listen: o.Listen, MetricsPublic: o.MetricsPublic,
		Workers: o.Workers, Keep: history.Bounds{Age: o.HistoryAge, Count: o.HistoryCount},
	})
}

// newLog writes to the standard error, and keeps the newest lines for those who ask.
func newLog(to io.Writer, o cli.RunOptions, tail *logs.Tail) *slog.Logger {
	options := &slog.HandlerOptions{Level: o.LogLevel}
	if o.LogFormat == "json" {
		return slog.New(tail.Handler(slog.NewJSONHandler(to, options)))
	}
	return slog.New(tail.Handler(slog.NewTextHandler(to, options)))
}

// quiet lets through what a library has to say only when it is at debug level:
// what matters of it reaches people as the state of an App.
type quiet struct{ slog.Handler }

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if !q.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

// rootRef is the root as a source: a URL, or a folder of this machine.
func rootRef(o cli.RunOptions) (source.Ref, error) {
	u, err := git.ParseURL(o.Root)
	if err == nil && !u.Local() {
		return source.Ref{URL: u.String(), Branch: o.RootBranch}, nil
	}
	if err == nil {
		o.Root = u.Path // one name for one folder, however it was written
	}
	path, absErr := filepath.Abs(o.Root)
	if absErr != nil {
		return source.Ref{}, fmt.Errorf("--root %s: %w", o.Root, absErr)
	}
	if strings.Contains(o.Root, "://") {
		return source.Ref{}, fmt.Errorf("--root: %w", err) // which tells no password
	}
	if _, statErr := os.Stat(path); statErr != nil {
		return source.Ref{}, fmt.Errorf("--root %s is neither the URL of a repository (%w) nor a folder of this machine", git.Redacted(o.Root), err)
	}
	return source.Ref{URL: path, Branch: o.RootBranch}, nil
}

// openWriter writes to the repositories that are followed.
func openWriter(o cli.RunOptions, repositories *gitrepo.Source) (*commit.Writer, error) {
	options := commit.Options{Mirror: repositories.Mirror}
	if o.GitCredentials != "" {
		file, err := credentials.Load(o.GitCredentials)
		if err != nil {
			return nil, err
		}
		options.Read, options.Write = file.For, file.ForWriting
	}
	if o.GitAuthor != "" {
		who, err := gitobject.ParsePerson(o.GitAuthor)
		if err != nil {
			return nil, fmt.Errorf("--git-author: %w", err)
		}
		options.Author = who
	}
	if o.GitSigningKey != "" {
		options.Signer = commit.KeyFile(o.GitSigningKey)
	}
	return commit.New(options)
}

// openCluster finds the cluster as kubectl does: by the kubeconfig that is
// named, by $KUBECONFIG, by ~/.kube/config, or from inside of one.
func openCluster(o cli.RunOptions, metrics *daemon.Metrics, log *slog.Logger) (*kube.Cluster, error) {
	config, err := clientConfig(o).ClientConfig()
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), ": json: cannot unmarshal") // the rest is about Go
		return nil, fmt.Errorf("find the cluster: %s; name a kubeconfig with --kubeconfig", what)
	}
	return kube.New(config, kube.Options{Log: log, Observe: metrics.Requested})
}

// clientConfig is how kubectl would find the cluster.
func clientConfig(o cli.RunOptions) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
}

func openHistory(ctx context.Context, o cli.RunOptions, log *slog.Logger) (*sqlite.Store, error) {
	store, opened, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(o.Data, "history.db")})
	if err != nil {
		return nil, err
	}
	if opened.SetAside != "" {
		log.Error("the history was damaged; a new one is begun, and the old one kept aside", "file", opened.SetAside, "damage", opened.Damage)
	}
	return store, nil
}

// renderLocal is `plumb render PATH`: a folder of this machine, with no daemon.
func (p process) renderLocal(ctx context.Context, path string, named cli.KeyFiles) ([]object.Object, error) {
	keys, err := secret.Load(named.Files())
	if err != nil {
		return nil, err
	}
	files, below, err := folder.Beside(path)
	if err != nil {
		return nil, err
	}
	fetch := &once{}
	defer fetch.Close()
	gather := pipeline.Gathering{From: opening(keys), Open: fetch, Look: fetch}
	result, err := gather.Render(ctx, render.Work{Files: files, Path: below})
	for _, notice := range result.Notices {
		_, _ = fmt.Fprintln(p.said, notice)
	}
	return result.Objects, err
}
