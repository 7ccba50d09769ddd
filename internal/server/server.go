package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Apps is what the server asks about Apps, and tells them. An id is NAMESPACE/NAME.
type Apps interface {
	// Apps returns all Apps, in any order.
	Apps() []status.App
	// App returns one with its objects, or ErrNoApp.
	App(ctx context.Context, id string) (status.Detail, error)
	// Root returns how the root stands.
	Root() status.Root
	// Render returns the App's objects as they would be applied, or ErrNoApp.
	Render(ctx context.Context, id string) ([]object.Object, error)
	// Sync asks for a look at the source, a comparison and whatever follows;
	// it doesn't wait for it. The actor is for the record. Of an App that isn't
	// declared it returns ErrNoApp.
	Sync(ctx context.Context, id, actor string) error
}

// ErrNoApp is returned by Apps where no App has the id.
var ErrNoApp = errors.New("no such App is declared")

// Releases is what the server reads of the history.
type Releases interface {
	// Get returns one release, or history.ErrNotFound.
	Get(ctx context.Context, id int64) (release.Release, error)
	// List returns releases, newest first.
	List(ctx context.Context, q history.Query) ([]release.Release, error)
}

// Check is one thing that must be well before the daemon counts as ready.
type Check struct {
	Name string // public: one word, such as root, cluster, history
	Err  error  // nil when it is well; told to who has the token
}

// Config is what a server is made of.
type Config struct {
	Apps     Apps
	Releases Releases
	Plans    Plans
	Gates    Gates
	Git      Git
	Events   Events
	Logs     Logs
	Waits    Waits
	Keys     Keys
	Rotates  Rotates
	// Ready says what stands; nil means that the daemon is ready once it answers.
	Ready func(ctx context.Context) []Check
	// Token lets in; see Token. An empty one lets nobody in.
	Token string
	// Metrics serves GET /metrics; nil mounts nothing.
	Metrics http.Handler
	// MetricsPublic serves the metrics without the token. They tell the names
	// of Apps and repositories.
	MetricsPublic bool
	// Hook serves POST /hooks/git, and checks signatures itself; nil mounts nothing.
	Hook http.Handler
	// Log is told of what the daemon could not answer; nil discards.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// New is the daemon's HTTP handler.
func New(c Config) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	routes := mount(c)
	guard := guard{token: digest(c.Token), open: c.Token != "", public: publicRoutes(c)}
	return recovered(c.Log, headers(guard.wrap(bounded(routes))))
}

// mount puts every handler under its route.
func mount(c Config) *router {
	routes := newRouter()
	probes := probes{ready: c.Ready, tokenDigest: digest(c.Token)}
	routes.HandleFunc("GET /healthz", probes.health)
	routes.HandleFunc("GET /readyz", probes.readiness)
	if c.Metrics != nil {
		routes.Handle("GET /metrics", c.Metrics)
	}
	if c.Hook != nil {
		routes.Handle("POST /hooks/git", c.Hook)
	}
	describe(routes, endpoints{
		apps: c.Apps, releases: c.Releases, plans: c.Plans, gates: c.Gates, git: c.Git, events: c.Events, logs: c.Logs, waits: c.Waits, keys: c.Keys, rotates: c.Rotates,
		open: make(room, maxOpen), now: c.Now, log: c.Log,
	})
	return routes
}
