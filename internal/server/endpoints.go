package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// endpoints answer the API's requests.
type endpoints struct {
	apps     Apps
	releases Releases
	plans    Plans
	gates    Gates
	git      Git
	events   Events
	logs     Logs
	waits    Waits
	keys     Keys
	rotates  Rotates
	open     room // what goes on for long
	now      func() time.Time
	log      *slog.Logger
}

// body is an answer.
type body[T any] struct{ Body T }

// list is the answer of everything that there are several of.
type list[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// itemsOf is a list that is never null.
func itemsOf[T any](items []T) *body[list[T]] {
	if items == nil {
		items = []T{}
	}
	return &body[list[T]]{list[T]{items}}
}

// AppPath names an App in a path. It is exported for huma, which looks into no
// embedded struct that is not.
type AppPath struct {
	Namespace string `path:"namespace" maxLength:"63" doc:"The namespace that the App is declared in."`
	Name      string `path:"name" maxLength:"253" doc:"The App's name."`
}

// ID is the App's NAMESPACE/NAME.
func (p AppPath) ID() string { return p.Namespace + "/" + p.Name }

// appFilter selects Apps.
type appFilter struct {
	Namespace string `query:"namespace" maxLength:"63" doc:"Only Apps declared in this namespace."`
	Sync      string `query:"sync" enum:"Synced,OutOfSync,Unknown" doc:"Only Apps in this sync state."`
	Health    string `query:"health" enum:"Healthy,Progressing,Degraded,Suspended,Unknown" doc:"Only Apps in this state of health."`
}

// admits says whether the filter lets an App through.
func (f appFilter) admits(a status.App) bool {
	return (f.Namespace == "" || f.Namespace == a.Namespace) &&
		(f.Sync == "" || f.Sync == string(a.Sync)) &&
		(f.Health == "" || f.Health == string(a.Health))
}

func (e endpoints) listApps(_ context.Context, in *appFilter) (*body[list[status.App]], error) {
	var apps []status.App
	for _, a := range e.apps.Apps() {
		if in.admits(a) {
			apps = append(apps, a)
		}
	}
	slices.SortFunc(apps, func(a, b status.App) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return itemsOf(apps), nil
}

// detailReleases is how many releases come with an App.
const detailReleases = 10

func (e endpoints) getApp(ctx context.Context, in *AppPath) (*body[status.Detail], error) {
	detail, err := e.apps.App(ctx, in.ID())
	if err != nil {
		return nil, appError(in.ID(), "can't be read", err, http.StatusServiceUnavailable)
	}
	if detail.Tree == nil {
		detail.Tree = []status.Object{}
	}
	releases, err := e.releases.List(ctx, history.Query{App: in.ID(), Limit: detailReleases})
	if err != nil { // how the App stands can be told all the same
		e.log.Error("the releases of an App could not be read", "app", in.ID(), "error", err)
	}
	detail.Releases = releases
	return &body[status.Detail]{detail}, nil
}

// manifest is one object's content.
type manifest map[string]any

func (e endpoints) renderApp(ctx context.Context, in *AppPath) (*body[list[manifest]], error) {
	objects, err := e.apps.Render(ctx, in.ID())
	if err != nil {
		return nil, appError(in.ID(), "can't be rendered", err, http.StatusUnprocessableEntity)
	}
	contents := make([]manifest, len(objects))
	for i, o := range objects {
		contents[i] = shown(o)
	}
	return itemsOf(contents), nil
}

// syncRequest asks for a sync of an App.
type syncRequest struct {
	AppPath
	Body struct {
		_  struct{} `additionalProperties:"false"`
		By string   `json:"by,omitempty" maxLength:"100" doc:"Who asks, for the record. It is taken on trust: everyone who asks has the same token."`
	}
}

// SyncAccepted tells that a sync was asked for.
type SyncAccepted struct {
	App         string    `json:"app" doc:"The App's NAMESPACE/NAME."`
	RequestedAt time.Time `json:"requestedAt" doc:"The daemon's time when it was asked for. It is done when the App's lastCheck is not before it."`
}

func (e endpoints) syncApp(ctx context.Context, in *syncRequest) (*body[SyncAccepted], error) {
	if err := printable(text{"by", in.Body.By}); err != nil {
		return nil, err
	}
	at := e.now().UTC()
	if err := e.apps.Sync(ctx, in.ID(), actor(in.Body.By)); err != nil {
		return nil, appError(in.ID(), "can't be synced now", err, http.StatusConflict)
	}
	return &body[SyncAccepted]{SyncAccepted{App: in.ID(), RequestedAt: at}}, nil
}

// actor is who asks, for the record.
func actor(by string) string { return cmp.Or(by, "someone with the token") }

// text is one that someone sent, with what it is.
type text struct{ name, value string }

// printable refuses text that could steer a terminal or break a line: it ends up
// in records, commits and on screens.
func printable(texts ...text) error {
	for _, t := range texts {
		if strings.ContainsFunc(t.value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return huma.Error422UnprocessableEntity(t.name + " must be printable text in one line")
		}
	}
	return nil
}

// releaseFilter selects releases; history.Query checks it.
type releaseFilter struct {
	App     string `query:"app" maxLength:"317" doc:"Only releases of this App (NAMESPACE/NAME)."`
	Commit  string `query:"commit" maxLength:"64" doc:"Only releases of commits that begin with this: at least 4 characters."`
	Author  string `query:"author" maxLength:"300" doc:"Only releases of commits whose author (name or e-mail) holds this, however it is cased."`
	Object  string `query:"object" maxLength:"300" doc:"Only releases that changed this object: KIND/NAME or KIND/NAMESPACE/NAME, such as Deployment/shop/web."`
	Outcome string `query:"outcome" enum:"Running,Succeeded,Failed,Superseded" doc:"Only releases that ended so."`
	Trigger string `query:"trigger" maxLength:"30" doc:"Only releases that came about so."`
	// Intended is the other side of corrective.
	Intended bool      `query:"intended" doc:"Leave out what only put right what was changed outside Git."`
	Since    time.Time `query:"since" doc:"Only releases seen then or later."`
	Until    time.Time `query:"until" doc:"Only releases seen before."`

	Limit  int   `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"At most this many."`
	Before int64 `query:"before" minimum:"1" doc:"Only releases with a smaller id. The next page begins before the last id of this one."`
}

func (e endpoints) listReleases(ctx context.Context, in *releaseFilter) (*body[list[release.Release]], error) {
	q := history.Query{
		App: in.App, Commit: in.Commit, Author: in.Author, Object: in.Object, Outcome: release.Outcome(in.Outcome), Trigger: release.Trigger(in.Trigger),
		Intended: in.Intended, Since: in.Since, Until: in.Until, Limit: in.Limit, Before: in.Before,
	}
	if err := q.Validate(); err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	releases, err := e.releases.List(ctx, q)
	if err != nil {
		return nil, historyError(err)
	}
	return itemsOf(releases), nil
}

// releasePath names a release in a path.
type releasePath struct {
	ID int64 `path:"id" minimum:"1" doc:"The release's id."`
}

func (e endpoints) getRelease(ctx context.Context, in *releasePath) (*body[release.Release], error) {
	r, err := e.releases.Get(ctx, in.ID)
	if err != nil {
		return nil, historyError(err)
	}
	return &body[release.Release]{r}, nil
}

func (e endpoints) getRoot(context.Context, *struct{}) (*body[status.Root], error) {
	root := e.apps.Root()
	if root.Problems == nil {
		root.Problems = []status.Problem{}
	}
	return &body[status.Root]{root}, nil
}

// The codes that endpoints refuse with, besides those that every one can.
var (
	refusalsOfOne  = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}
	refusalsOfMany = []int{http.StatusUnauthorized, http.StatusForbidden}

	refusalsOfStreams = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable}
)
