package operate

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// Operator answers, with the parts that it has. It is safe for concurrent use.
type Operator struct {
	Fleet    Fleet
	Source   source.Source
	Looker   source.Looker
	Past     source.Past
	Renderer pipeline.Renderer
	Target   target.Target
	Reader   target.Reader
	History  history.Reader
	Commit   Committer
	Hidden   redact.Redactor
	Log      *slog.Logger
	Now      func() time.Time

	// Root is what the root that declares the Apps is followed at, and RootName
	// how it is named on objects.
	Root     source.Ref
	RootName string
	// Declares reads which Apps a tree of the root repository declares, by ID.
	Declares func(ctx context.Context, files tree.Tree) (map[string]Declared, error)
	// Explorer finds what nobody declares; nil can't.
	Explorer target.Explorer
}

// Committer writes to repositories; *commit.Writer is one.
type Committer interface {
	Commit(ctx context.Context, r commit.Request) (commit.Done, error)
	Preview(ctx context.Context, r commit.Request) (commit.Done, error)
}

// claimed is the one declared object that a key means, or false where none is.
func (o *Operator) claimed(ctx context.Context, wrote object.Key) (Claim, bool, error) {
	claims, err := o.Fleet.Claims(ctx, wrote)
	switch {
	case err != nil || len(claims) == 0:
		return Claim{}, false, err
	case len(claims) == 1:
		return claims[0], true, nil
	}
	const most = 5
	names := make([]string, 0, most)
	for _, c := range claims[:min(most, len(claims))] {
		names = append(names, c.Key.String()+" of "+c.App)
	}
	if len(claims) > most {
		names = append(names, "…")
	}
	return Claim{}, false, status.Refuse(status.Invalid, "%s can be several objects: %s; name the namespace", wrote, strings.Join(names, ", "))
}

// desiredOf finds one declared object of an App.
func desiredOf(k pipeline.Known, key object.Key) (plan.Desired, bool) {
	for _, d := range k.Desired {
		if d.Key == key {
			return d, true
		}
	}
	return plan.Desired{}, false
}

// gathering renders an App with what it reads beside its own repository: what is
// followed for it already, or fetched once.
func (o *Operator) gathering(k pipeline.Known, app v1alpha1.App) pipeline.Gathering {
	return pipeline.Gathering{From: pipeline.Asking{Renderer: o.Renderer, At: o.Target, App: app}, Open: o.Source, Look: o.Looker, App: app, Known: k.Beside}
}
