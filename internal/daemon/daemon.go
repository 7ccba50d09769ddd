package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"plumb.dev/plumb/internal/declare"
	"plumb.dev/plumb/internal/deliver"
	"plumb.dev/plumb/internal/helmrecord"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/rotate"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// Parts are what a daemon is made of.
type Parts struct {
	Source source.Source // follows until its maker ends it
	Past   source.Past
	Looker source.Looker
	// Commit writes to Git; nil when nothing can be.
	Commit   operate.Committer
	Reader   target.Reader
	Secrets  target.Secrets
	Explorer target.Explorer
	Renderer pipeline.Renderer
	Target   Target
	History  history.Memory
	Metrics  *Metrics
	// Hook makes the handler of webhooks from a secret.
	Hook func(secret string) http.Handler
	Log  *slog.Logger
	Logs server.Logs // what Log said, for those who ask
	// Keys open secrets; the daemon's own are in the data folder.
	Keys *secret.Keys
}

// Target is held in line while it runs.
type Target interface {
	target.Target
	target.Renewer
	// Run begins to watch, until ctx is done; Wait waits for the end of that.
	Run(ctx context.Context)
	Wait()
	// Lead tries to be the one that holds a root, until ctx is done.
	Lead(ctx context.Context, root, name string, told func(leads bool, holder string)) error
}

// Options is what a daemon was asked for.
type Options struct {
	Root          source.Ref
	RootPath      string
	RootEvery     time.Duration
	AllowEmpty    bool
	Data          string
	Listen        string
	MetricsPublic bool
	Workers       int
	Keep          history.Bounds
}

// Lock takes the data folder. It comes before any part that writes to it.
func Lock(dir string) (release func(), err error) { return lock(dir) }

// trimEvery is how often the history is cut to its bounds.
const trimEvery = 10 * time.Minute

// Run runs a daemon until ctx is done. It returns when everything has stopped
// and what happened is recorded.
func Run(ctx context.Context, p Parts, o Options) error {
	key, err := server.HidingKey(o.Data)
	if err != nil {
		return err
	}
	hidden, keys := redact.New([]byte(key)), keyring{p.Keys}
	if err := firstKey(keys, o.Data, p.Log); err != nil {
		return err
	}
	operator := &operate.Operator{
		Source: p.Source, Looker: p.Looker, Past: p.Past, Renderer: p.Renderer, Target: p.Target, Reader: p.Reader,
		Commit: p.Commit, Hidden: hidden, Log: p.Log, Now: time.Now, Root: o.Root, RootName: rootName(o), Explorer: p.Explorer,
		Declares: declares(declare.Root{Ref: o.Root, Path: o.RootPath}, declare.Policy{AllowEmpty: o.AllowEmpty}),
	}
	recorder := &released{Metrics: p.Metrics}
	engine := deliver.New(deliver.Parts{
		Source: p.Source, Past: p.Past, Renderer: p.Renderer, Target: p.Target, History: p.History,
		Root: rootName(o), RootRef: o.Root, RootEvery: o.RootEvery, Workers: o.Workers, Log: p.Log, Observe: recorder, Hidden: hidden,
		Rollback: rollback(operator),
	})
	operator.Fleet, operator.History = engine, engine.Records()
	recorder.helm = helmrecord.NewRecorder(helmrecord.Parts{Keeper: helmrecord.Keeper{Secrets: p.Secrets}, Fleet: engine, Open: p.Source, Log: p.Log})
	pump := &pump{
		source: p.Source, engine: engine, policy: declare.Policy{AllowEmpty: o.AllowEmpty}, root: o.Root, log: p.Log,
		scanner: declare.NewScanner(declare.Root{Ref: o.Root, Path: o.RootPath}), told: map[source.Ref]string{},
		status: status.Root{URL: o.Root.URL, Problems: []status.Problem{}},
	}
	rotator := rotate.New(rotate.Rotator{Fleet: engine, Target: p.Target, Records: engine.Records(), Log: p.Log, Now: time.Now})
	asked := &apps{rotator: rotator, engine: engine, pump: pump, operator: operator, parts: p, keys: keys}
	p.Metrics.Watch(Standing{Apps: engine.Apps, Waiting: engine.Waiting, Ready: asked.ready, Key: keys.newest})
	handler, listener, withdraw, err := open(p, o, asked)
	if err != nil {
		return err
	}
	defer withdraw()
	p.Log.Info("plumb runs", "root", o.Root.URL, "cluster", p.Target.State().Address, "listen", listener.Addr().String(), "data", o.Data)
	engine.Lead(false, "")
	return together(ctx, p, func(ctx context.Context, run func(func() error)) {
		run(func() error { return server.Serve(ctx, listener, handler, p.Log) })
		run(func() error { return engine.Run(ctx) })
		run(func() error { rotator.Run(ctx); return nil })
		run(func() error { return lead(ctx, p, o, leaders{engine, rotator}) })
		run(func() error { pump.run(ctx); return nil })
		run(func() error { recorder.helm.Run(ctx); return nil })
		run(func() error { trim(ctx, p, o.Keep); return nil })
		p.Source.Follow(map[source.Ref]time.Duration{o.Root: o.RootEvery})
	})
}

// lead keeps two daemons from holding the same root. Until it is known who
// does, nothing is changed.
func lead(ctx context.Context, p Parts, o Options, to leaders) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return p.Target.Lead(ctx, rootName(o), host+":"+o.Data, func(leads bool, holder string) {
		if leads {
			p.Log.Info("this daemon holds the root", "root", o.Root.URL)
		} else {
			p.Log.Warn("another daemon holds the root; this one stands by", "root", o.Root.URL, "holder", holder)
		}
		to.engine.Lead(leads, holder)
		to.rotator.Lead(leads)
	})
}

// leaders change something only where this daemon leads.
type leaders struct {
	engine  *deliver.Engine
	rotator *rotate.Rotator
}

// rootName is what is written on objects about where they are declared.
func rootName(o Options) string { return RootName(o.Root, o.RootPath) }

// together runs the parts until ctx is done or one of them fails, and waits for
// all. The target is started first and outlives the others, which work with it.
func together(ctx context.Context, p Parts, start func(ctx context.Context, run func(func() error))) error {
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { stopWatching(); p.Target.Wait() }()
	p.Target.Run(watching)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	start(ctx, func(part func() error) {
		wg.Go(func() {
			if err := part(); err != nil && !errors.Is(err, context.Canceled) {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				cancel()
			}
		})
	})
	wg.Wait()
	return errors.Join(errs...)
}

// open prepares the HTTP door: the token, the address, the routes.
func open(p Parts, o Options, a *apps) (http.Handler, net.Listener, func(), error) {
	token, err := server.Token(o.Data)
	if err != nil {
		return nil, nil, nil, err
	}
	secret, err := server.HookSecret(o.Data)
	if err != nil {
		return nil, nil, nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", o.Listen)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	withdraw, err := server.Announce(o.Data, listener.Addr())
	if err != nil {
		return nil, nil, nil, errors.Join(err, listener.Close())
	}
	handler := server.New(server.Config{
		Apps: a, Releases: a.engine.Records(), Plans: &plans{a.operator}, Git: &repositories{a.operator},
		Gates: &gates{engine: a.engine, operator: a.operator, metrics: p.Metrics}, Waits: &waits{a.engine, a.engine.Records(), p.Past},
		Events: a.engine.Records(), Logs: p.Logs, Keys: a.keys, Rotates: rotations{a.rotator},
		Ready: a.ready, Token: token, Metrics: p.Metrics.Handler(), MetricsPublic: o.MetricsPublic, Hook: p.Hook(secret), Log: p.Log,
	})
	return handler, listener, func() {
		if err := withdraw(); err != nil {
			p.Log.Warn("the address file can't be removed", "error", err)
		}
	}, nil
}

// trim cuts the history to its bounds now and then.
func trim(ctx context.Context, p Parts, keep history.Bounds) {
	ticker := time.NewTicker(trimEvery)
	defer ticker.Stop()
	for {
		if n, err := p.History.Trim(ctx, keep, time.Now()); err != nil && ctx.Err() == nil {
			p.Log.Warn("the history can't be trimmed", "error", err)
		} else if n > 0 {
			p.Log.Info("old releases were dropped", "releases", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// apps answers the server's questions.
type apps struct {
	rotator  *rotate.Rotator
	engine   *deliver.Engine
	pump     *pump
	operator *operate.Operator
	parts    Parts
	keys     keyring
}

// Apps implements server.Apps.
func (a *apps) Apps() []status.App { return a.engine.Apps() }

// App implements server.Apps.
func (a *apps) App(ctx context.Context, id string) (status.Detail, error) {
	d, err := a.engine.Detail(ctx, id)
	return d, noApp(err)
}

// Root implements server.Apps.
func (a *apps) Root() status.Root {
	root := a.pump.Root()
	root.Warnings = a.keys.warnings()
	return root
}

// Sync implements server.Apps.
func (a *apps) Sync(ctx context.Context, id, actor string) error {
	return noApp(a.engine.Sync(ctx, id, actor))
}

// Render implements server.Apps. The server hides what is secret by itself; what
// an App declares as such is hidden here.
func (a *apps) Render(ctx context.Context, id string) ([]object.Object, error) {
	known, err := a.engine.Known(ctx, id)
	if err != nil {
		return nil, noApp(err)
	}
	objects, err := a.engine.Render(ctx, id)
	hidden := a.operator.Hidden.With(known.App.Spec.Sensitive...)
	for _, o := range objects { // which are the caller's own
		o.Unstructured.Object = hidden.Of(o.Unstructured.Object).Show(o.Unstructured.Object)
	}
	return objects, noApp(err)
}

// noApp says it in the server's words.
func noApp(err error) error {
	if errors.Is(err, deliver.ErrNoApp) {
		return server.ErrNoApp
	}
	return err
}

// ready tells what must be well before the daemon does its work.
func (a *apps) ready(context.Context) []server.Check {
	_, err := a.parts.History.List(context.Background(), history.Query{Limit: 1})
	return []server.Check{
		{Name: "root", Err: a.pump.check()},
		{Name: "cluster", Err: a.engine.Reach()},
		{Name: "history", Err: err},
	}
}

// released takes in releases that ended: for the metrics, and for Helm where an
// App wants it.
type released struct {
	*Metrics
	helm *helmrecord.Recorder
}

// Released implements deliver.Observer.
func (o *released) Released(r release.Release) {
	o.Metrics.Released(r)
	o.helm.Released(r)
}
