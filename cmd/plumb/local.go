package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/push"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/source/folder"
)

// diffLocal is `plumb diff PATH`: a folder against a cluster, with no daemon.
func diffLocal(ctx context.Context, o cli.LocalOptions) (plan.Plan, error) {
	l := &local{options: o}
	defer l.close()
	if err := l.open(ctx); err != nil {
		return plan.Plan{}, err
	}
	return push.Diff(ctx, l.parts, l.subject)
}

// applyLocal is `plumb apply`: a push, with no daemon.
func (p process) applyLocal(ctx context.Context, o cli.ApplyOptions) (release.Release, error) {
	l := &local{options: o.LocalOptions, data: o.Data, said: p.said}
	defer l.close()
	if err := l.record(ctx); err != nil {
		return release.Release{}, err
	}
	if err := l.open(ctx); err != nil {
		return release.Release{}, err
	}
	l.subject.Keep = !o.Prune
	if o.Timeout > 0 {
		l.subject.App.Spec.Health.Timeout.Duration = o.Timeout
	}
	r, err := push.Apply(ctx, l.parts, l.subject, push.Options{By: o.By, Confirm: o.Confirm, Tell: func(n push.News) {
		if o.Tell != nil {
			o.Tell(cli.ObjectNews{Key: n.Key, State: string(n.State), Message: n.Message})
		}
	}})
	if errors.Is(err, push.ErrHeld) {
		err = fmt.Errorf("%w%s", cli.ErrHeld, strings.TrimPrefix(err.Error(), push.ErrHeld.Error()))
	}
	return r, err
}

// local is what a command without a daemon works with, and on what.
type local struct {
	options cli.LocalOptions
	data    string // the data folder; empty is none
	said    io.Writer
	parts   push.Parts
	subject push.Subject
	closers []func() error
}

// later keeps what has to be closed, the last first.
func (l *local) later(f func() error) { l.closers = append(l.closers, f) }

func (l *local) close() {
	for _, f := range slices.Backward(l.closers) {
		_ = f() // what was to be written is written
	}
}

// run is the same as options of the daemon, whose parts are made alike.
func (l *local) run() cli.RunOptions {
	o := l.options
	return cli.RunOptions{
		Root: o.Root, RootBranch: o.RootBranch, RootPath: o.RootPath, GitCredentials: o.GitCredentials,
		Kubeconfig: o.Kubeconfig, Context: o.Context, Data: l.data,
	}
}

// record opens the history, in a data folder that no daemon uses meanwhile.
func (l *local) record(ctx context.Context) error {
	if l.data == "" {
		return nil
	}
	unlock, err := daemon.Lock(l.data)
	if err != nil {
		return err
	}
	l.later(func() error { unlock(); return nil })
	store, err := openHistory(ctx, l.run(), slog.New(slog.NewTextHandler(l.said, nil)))
	if err != nil {
		return err
	}
	l.later(store.Close)
	l.parts.Releases = store
	l.parts.Pauses, err = pausesOf(ctx, store)
	return err
}

// open finds what is compared or pushed, and the cluster.
func (l *local) open(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler) // what matters is in the answer
	klog.SetLogger(logr.FromSlogHandler(log.Handler()))
	key := make([]byte, redact.KeySize)
	if _, err := io.ReadFull(rand.Reader, key); err != nil {
		return err
	}
	keys, err := secret.Load(l.options.Keys.Files())
	if err != nil {
		return err
	}
	l.parts.Renderer, l.parts.Hidden, l.parts.Now = opening(keys), redact.New(key), time.Now
	find := l.folder
	if l.options.Path == "" {
		find = l.declared
	}
	if err := find(ctx); err != nil {
		return err
	}
	fetch := &once{options: l.run()}
	l.later(fetch.Close)
	l.parts.Renderer = pipeline.Gathering{From: l.parts.Renderer, Open: fetch, Look: fetch, App: l.subject.App}
	cluster, err := openCluster(l.run(), daemon.NewMetrics(), log)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	cluster.Run(watching)
	l.later(func() error { stop(); cluster.Wait(); return nil })
	l.parts.Target, l.parts.Leader = cluster, cluster
	if l.options.Undeclared {
		l.parts.Explorer = cluster
	}
	return nil
}

// folder makes an App of a folder of this machine.
func (l *local) folder(context.Context) error {
	files, below, err := folder.Beside(l.options.Path)
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(l.options.Path)
	if err != nil {
		return err
	}
	app := v1alpha1.App{}
	app.Name, app.Namespace = nameOf(absolute), l.options.Namespace
	if app.Namespace == "" {
		if app.Namespace, _, err = clientConfig(l.run()).Namespace(); err != nil {
			return fmt.Errorf("find the cluster: %w; name a kubeconfig with --kubeconfig", err)
		}
	}
	app.Spec.Source.Path = below
	l.subject = push.Subject{App: v1alpha1.Default(app), Files: files}
	return nil
}

// nameOf is the name of an App that is made of a folder or file: its own, as
// far as a name may hold it.
func nameOf(path string) string {
	base := strings.ToLower(filepath.Base(path))
	for _, ending := range []string{".yaml", ".yml", ".json"} {
		base = strings.TrimSuffix(base, ending)
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, base)
	const most = 63
	if name = strings.Trim(name[:min(len(name), most)], "-"); name == "" {
		return "folder"
	}
	return name
}

// named finds the one of several Apps that a NAME or NAMESPACE/NAME means.
func named[A any](apps map[string]A, name string) (A, error) {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(apps)) {
		if id == name || strings.HasSuffix(id, "/"+name) {
			found = append(found, id)
		}
	}
	var none A
	switch len(found) {
	case 0:
		return none, fmt.Errorf("the root declares no App %s", name)
	case 1:
		return apps[found[0]], nil
	default:
		return none, errors.New(name + " could be any of " + strings.Join(found, ", ") + ": name the namespace as well")
	}
}
