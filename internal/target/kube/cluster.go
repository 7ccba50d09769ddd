package kube

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	disco "k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/lease"
	"plumb.dev/plumb/internal/limit"
	"plumb.dev/plumb/internal/notes"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

// Options says what a Cluster needs beside its address.
type Options struct {
	Log *slog.Logger
	// Observe is called for each request that was answered; status is 0 when
	// there was no answer. Watches are counted when they begin.
	Observe func(verb string, status int, took time.Duration)
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Cluster is one Kubernetes cluster.
type Cluster struct {
	config   *rest.Config
	log      *slog.Logger
	now      func() time.Time
	kinds    *discovery.Kinds
	view     *sight.View
	judge    *health.Judge
	watches  watches
	notes    *notes.Notes
	vigils   vigils
	limit    *limit.Limiter
	dynamic  dynamic.Interface
	metadata metadata.Interface
	own      clients
	random   io.Reader // where generated values come from

	mu   sync.Mutex
	asSA map[string]clients // by namespace/name of the service account

	//lint:ignore context it is the life of the watches, which outlive every call that starts one
	ctx     context.Context
	running sync.WaitGroup
}

// clients act in one name.
type clients struct {
	metadata metadata.Interface
	dynamic  dynamic.Interface
	http     *http.Client
	address  *url.URL
}

var (
	_ target.Target   = (*Cluster)(nil)
	_ target.Explorer = (*Cluster)(nil)
)

// watchBackoff keeps a lost watch from being asked for too often, and from
// being found again too late. Each watch counts its own steps.
func watchBackoff() *wait.Backoff {
	return &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 20 * time.Second}
}

// New makes a Cluster from a client configuration. Nothing is asked of the
// server until Run.
func New(config *rest.Config, o Options) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // how much the server can take is for it to say: see limit.go
	if config.UserAgent == "" {
		config.UserAgent = "plumb"
	}
	c := &Cluster{
		config: config, log: o.Log, now: o.Now, random: rand.Reader, view: sight.New(), judge: health.NewJudge(), limit: limit.New(),
		watches: watches{byKind: map[schema.GroupKind]*watcher{}, sought: map[schema.GroupKind]*search{}}, asSA: map[string]clients{},
	}
	if c.now == nil {
		c.now = time.Now
	}
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		return &observer{next: rt, observe: o.Observe, limit: c.limit}
	})
	http2, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("use the kubeconfig: %w", err)
	}
	asker, err := disco.NewDiscoveryClientForConfigAndClient(config, http2)
	if err != nil {
		return nil, fmt.Errorf("use the kubeconfig: %w", err)
	}
	c.kinds = discovery.New(asker, discovery.Options{Now: c.now, Failed: unreachable, Changed: c.view.TellKinds})
	own, err := newClients(config, http2)
	if err != nil {
		return nil, err
	}
	c.own, c.metadata, c.dynamic = own, own.metadata, own.dynamic
	c.notes = notes.New(notes.Options{Client: c.metadata, Backoff: watchBackoff, Changed: c.view.TellNoted})
	return c, nil
}

func newClients(config *rest.Config, h *http.Client) (clients, error) {
	meta, err := metadata.NewForConfigAndClient(metadata.ConfigFor(config), h)
	if err != nil {
		return clients{}, fmt.Errorf("use the kubeconfig: %w", err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, h)
	if err != nil {
		return clients{}, fmt.Errorf("use the kubeconfig: %w", err)
	}
	address, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return clients{}, fmt.Errorf("use the kubeconfig: %w", err)
	}
	return clients{metadata: meta, dynamic: dyn, http: h, address: address}, nil
}

// as are the clients that act in a name, made at the first use.
func (c *Cluster) as(a target.Actor) (clients, error) {
	if a.ServiceAccount == "" {
		return c.own, nil
	}
	user := "system:serviceaccount:" + a.Namespace + ":" + a.ServiceAccount
	c.mu.Lock()
	defer c.mu.Unlock()
	if cs, ok := c.asSA[user]; ok {
		return cs, nil
	}
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	h, err := rest.HTTPClientFor(config)
	if err != nil {
		return clients{}, fmt.Errorf("act as %s: %w", user, err)
	}
	cs, err := newClients(config, h)
	if err != nil {
		return clients{}, err
	}
	c.asSA[user] = cs
	return cs, nil
}

// Run watches until ctx is done. It must be called before anything else, and
// once; Wait returns when all of it has ended.
func (c *Cluster) Run(ctx context.Context) {
	c.ctx = ctx
	c.running.Go(func() { c.kinds.Follow(ctx, c.dynamic, *watchBackoff(), c.kindsChanged) })
	c.running.Go(func() { c.sweep(ctx) })
}

// Wait waits for the end of what Run started.
func (c *Cluster) Wait() { c.running.Wait() }

// Lead tries to be the one daemon that holds a root in line, until ctx is done.
// It calls told each time that changes; holder is who holds it.
func (c *Cluster) Lead(ctx context.Context, root, name string, told func(leads bool, holder string)) error {
	return lease.Lead(ctx, c.config, lease.Claim{Root: root, Name: name, Told: told, Log: c.log, Now: c.now})
}

// State tells whether every kind of ours is watched, or why not.
func (c *Cluster) State() target.State {
	c.watches.mu.Lock()
	err, swept := c.watches.trouble, c.watches.swept
	all := slices.Collect(maps.Values(c.watches.byKind))
	c.watches.mu.Unlock()
	for _, w := range all {
		if _, wrong := w.state(); wrong != nil {
			err = wrong
		}
	}
	switch {
	case errors.Is(err, target.ErrUnreachable):
		err = c.away(err)
	case err == nil && !swept:
		err = fmt.Errorf("what is live at %s is being read", c.config.Host)
	}
	return target.State{Address: c.config.Host, Err: err}
}

// away says that the API server can't be reached, why, and what to do.
func (c *Cluster) away(err error) error {
	cause := err
	var network *net.OpError
	if errors.As(err, &network) {
		cause = network
	}
	return fmt.Errorf("%w at %s: %w; check the kubeconfig, and that it runs; it is tried again", target.ErrUnreachable, c.config.Host, cause)
}

// Live is the record of one object.
func (c *Cluster) Live(key object.Key) (plan.Live, bool) { return c.view.Live(key) }

// Owned lists the objects with an App label.
func (c *Cluster) Owned(label string) []object.Key { return c.view.Owned(label) }

// Events delivers what changed.
func (c *Cluster) Events() <-chan target.Event { return c.view.Events() }

// Labels lists the App labels in use, and says whether every kind was looked at
// and every object with a label is known.
func (c *Cluster) Labels() ([]string, bool) {
	complete := c.State().Err == nil && c.listed() // before the labels, which may come to be more
	return c.view.Labels(), complete
}

// listed says whether each watch that was begun has brought its first list.
func (c *Cluster) listed() bool {
	c.watches.mu.Lock()
	all := slices.Collect(maps.Values(c.watches.byKind))
	c.watches.mu.Unlock()
	return !slices.ContainsFunc(all, func(w *watcher) bool {
		synced, _ := w.state()
		return !synced
	})
}

// sweep looks once, at the start, at every kind that the cluster has, for
// objects of ours: kinds that Git no longer names among them. That is one
// small request a kind, and only kinds that have some are watched from then on.
func (c *Cluster) sweep(ctx context.Context) {
	backoff := wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 30 * time.Second}
	_ = wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		err := c.sweepOnce(ctx)
		c.watches.mu.Lock()
		c.watches.swept, c.watches.trouble = err == nil, err
		c.watches.mu.Unlock()
		c.view.TellKinds()
		if err != nil {
			c.log.Warn("looking for our objects failed; trying again", "cluster", c.config.Host, "error", err)
		}
		return err == nil, nil
	})
}

func (c *Cluster) sweepOnce(ctx context.Context) error {
	if now, _ := c.kinds.Cached(); now.Away() != nil {
		c.kinds.Expire() // some server may answer by now
	}
	all, err := c.kinds.All(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	inParallel(indices(len(all)), func(i int) { errs[i] = c.sweepKind(ctx, all[i]) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	now, err := c.kinds.Current(ctx)
	if err != nil {
		return err
	}
	return now.Away() // objects of ours may hide there
}

// sweepKind begins to watch a kind if there is an object of ours.
func (c *Cluster) sweepKind(ctx context.Context, gk schema.GroupKind) error {
	gvk, k, ok, err := c.kinds.Preferred(ctx, gk)
	if err != nil || !ok || madeByControllers(gk) {
		return err
	}
	found, err := c.metadata.Resource(k.Resource).List(ctx, metav1.ListOptions{LabelSelector: object.LabelApp, Limit: 1})
	switch {
	case refused(err):
		return nil
	case err != nil:
		return unreachable(fmt.Errorf("list %s: %w", gk, err))
	case len(found.Items) > 0:
		c.startWatch(gvk, k)
	}
	return nil
}

// madeByControllers are kinds that controllers make by the thousand and nobody
// declares; some copy the labels of what they are made for.
func madeByControllers(gk schema.GroupKind) bool {
	return slices.Contains([]string{"Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision", "PodMetrics", "NodeMetrics"}, gk.Kind)
}

// observer sees each request and its answer go by.
type observer struct {
	next    http.RoundTripper
	observe func(verb string, status int, took time.Duration)
	limit   *limit.Limiter
}

// RoundTrip implements http.RoundTripper.
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := o.next.RoundTrip(r)
	code := 0
	if resp != nil {
		code = resp.StatusCode
	}
	if code == http.StatusTooManyRequests {
		o.limit.Throttled()
	}
	if o.observe != nil {
		o.observe(verbOf(r), code, time.Since(start))
	}
	return resp, err
}

// verbOf is the request's verb, with watches told apart from lists.
func verbOf(r *http.Request) string {
	if r.Method == http.MethodGet && r.URL.Query().Get("watch") != "" {
		return "WATCH"
	}
	return r.Method
}
