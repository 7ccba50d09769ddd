package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/target"
)

// Askable is a target that renders may ask, with an App's rights.
type Askable interface {
	Object(ctx context.Context, as target.Actor, key object.Key, apiVersion string) (*unstructured.Unstructured, error)
	target.Looker
}

// askable is the target that objects are fitted to, as one that can be asked;
// nil where it can't.
func askable(fit Fitter) Askable {
	at, _ := fit.(Askable)
	return at
}

// Asking is a renderer for one App that renders with what the App is given in
// its target, and may ask there.
type Asking struct {
	Renderer
	At  Fitter
	App v1alpha1.App
}

// Render implements render.Whole.
func (a Asking) Render(ctx context.Context, w render.Work) (render.Result, error) {
	asked, err := prepare(ctx, askable(a.At), a.App)
	if err != nil {
		return render.Result{}, fmt.Errorf("%w: %w", render.ErrRead, err)
	}
	w.Given, w.Live = asked.given, asked.asks()
	return rendererFor(a.App, a.Renderer).Render(ctx, w)
}

// Afresh keeps nothing of what it renders.
func (a Asking) Afresh() render.Whole {
	if keeps, ok := a.Renderer.(interface{ Afresh() render.Whole }); ok {
		a.Renderer = keeps.Afresh()
	}
	return a
}

// prepared is what a render learns from its target.
type prepared struct {
	given given.Values
	live  *live
}

// prepare reads the values that an App takes from its target, and lets its
// render ask there. Without a target there is nothing to ask.
func prepare(ctx context.Context, at Askable, app v1alpha1.App) (prepared, error) {
	if at == nil {
		return prepared{}, nil
	}
	as := target.ActorOf(app)
	p := prepared{live: &live{at: at, as: as}}
	asks := given.Asked(app)
	keys := given.Keys(asks)
	if len(keys) > given.MaxObjects {
		return p, fmt.Errorf("values are taken from %d ConfigMaps and Secrets, and no more than %d may be: put some together", len(keys), given.MaxObjects)
	}
	for _, key := range keys {
		found, err := at.Object(ctx, as, key, "v1")
		if err != nil {
			return p, fmt.Errorf("values can't be taken from %s as %s: %w", key, who(as), err)
		}
		var content map[string]any
		if found != nil {
			content = found.Object
		}
		one, err := given.Take(key, content, asks)
		if err != nil {
			return p, fmt.Errorf("values can't be taken from %w", err)
		}
		p.given = append(p.given, one)
	}
	return p, p.given.Missing(asks)
}

// versions are those of the objects that values were taken from.
func (p prepared) versions(app v1alpha1.App) map[object.Key]string {
	if len(p.given) == 0 {
		return nil
	}
	versions := map[object.Key]string{}
	for _, o := range p.given {
		versions[object.Key{Kind: o.Kind, Namespace: app.Spec.Target.Namespace, Name: o.Name}] = o.Version
	}
	return versions
}

// asks are whom the renderer may ask.
func (p prepared) asks() render.Live {
	if p.live == nil {
		return nil
	}
	return p.live
}

// served is a digest of what the target served when the render asked for it;
// empty where it did not.
func (p prepared) served() string {
	if p.live == nil {
		return ""
	}
	p.live.mu.Lock()
	defer p.live.mu.Unlock()
	return p.live.served
}

// Stale says whether a target has something else by now than a render took from
// it. What it can't tell counts as the same.
func Stale(at any, taken given.Taken) bool {
	version, served := func(object.Key) (string, bool) { return "", false }, ""
	if noter, ok := at.(target.Noter); ok {
		version = noter.Noted
	}
	if looker, ok := at.(target.Looker); ok && taken.Served != "" && looker.Served() != nil {
		served = Served(looker.Served())
	}
	return taken.Differs(version, served)
}

// mostListed is how many objects one question of a template may yield.
const mostListed = 1000

// live answers what templates ask of a target.
type live struct {
	at Askable
	as target.Actor

	mu     sync.Mutex
	served string
}

// Capabilities implements render.Live.
func (l *live) Capabilities(ctx context.Context) (render.Capabilities, error) {
	version, apis, err := l.at.Capabilities(ctx)
	if err != nil {
		return render.Capabilities{}, err
	}
	l.mu.Lock()
	l.served = Served(apis)
	l.mu.Unlock()
	return render.Capabilities{KubeVersion: version, APIVersions: apis}, nil
}

// Served is a digest of what a target serves.
func Served(apis []string) string {
	sum := sha256.Sum256([]byte(strings.Join(apis, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Object implements render.Live. Of a kind that the target doesn't know there is none.
func (l *live) Object(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	gv, _, hasGroup := strings.Cut(apiVersion, "/")
	key := object.Key{Kind: kind, Namespace: namespace, Name: name}
	if hasGroup {
		key.Group = gv
	}
	found, err := l.at.Object(ctx, l.as, key, apiVersion)
	if found == nil || err != nil {
		return nil, l.refused(key.String(), err)
	}
	return found.Object, nil
}

// List implements render.Live. Of a kind that the target doesn't know there is none.
func (l *live) List(ctx context.Context, apiVersion, kind, namespace string) ([]map[string]any, error) {
	list, err := l.at.List(ctx, l.as, target.Query{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Most: mostListed})
	return list, l.refused(kind+" in "+cmp.Or(namespace, "all namespaces"), err)
}

// refused says of what is looked up in whose name it can't be. Of a kind that the
// target doesn't know there is none, which is no error.
func (l *live) refused(what string, err error) error {
	if err == nil || errors.Is(err, target.ErrSkipped) || errors.Is(err, target.ErrUnknownKind) {
		return nil
	}
	return fmt.Errorf("look up %s as %s: %w", what, who(l.as), err)
}

// who names an actor for messages.
func who(as target.Actor) string {
	if as.ServiceAccount == "" {
		return "Plumb itself"
	}
	return "system:serviceaccount:" + as.Namespace + ":" + as.ServiceAccount
}
