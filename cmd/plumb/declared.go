package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/declare"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/push"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
)

// declared finds an App that a root declares, and its manifests at the newest
// revision or the one that was asked for.
func (l *local) declared(ctx context.Context) error {
	if l.data == "" { // the mirrors need a place for a while
		dir, err := os.MkdirTemp("", "plumb-")
		if err != nil {
			return err
		}
		l.data = dir
		l.later(func() error { return os.RemoveAll(dir) })
	}
	root, err := rootRef(l.run())
	if err != nil {
		return err
	}
	sources, err := openSource(ctx, l.run(), root, daemon.NewMetrics(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	l.later(func() error { sources.Close(); return nil })
	heads := newHeads(sources)
	at, err := heads.of(ctx, root)
	if err != nil {
		return err
	}
	files, err := sources.Tree(root.URL, at.Commit)
	if err != nil {
		return err
	}
	scan, err := declare.NewScanner(declare.Root{Ref: root, Path: l.options.RootPath}).All(ctx, files)
	if err != nil {
		return err
	}
	state := declare.Next(declare.State{}, scan, declare.Policy{})
	name := l.options.App
	if l.options.Namespace != "" && !strings.Contains(name, "/") {
		name = l.options.Namespace + "/" + name
	}
	app, err := named(state.Apps, name)
	if err == nil {
		err = app.Held
	}
	if err != nil {
		for _, p := range state.Problems {
			err = fmt.Errorf("%w\n%s: %s", err, p.Where, p.Message)
		}
		return err
	}
	git := *app.App.Spec.Source.Git
	ref := source.Ref{URL: git.URL, Branch: git.Branch, Tag: git.Tag, Commit: git.Commit}
	revision, err := heads.of(ctx, ref)
	if err == nil && l.options.Revision != "" {
		revision, err = lookedUp(ctx, sources, ref.URL, l.options.Revision)
	}
	if err != nil {
		return err
	}
	l.subject = push.Subject{App: app.App, Root: daemon.RootName(root, l.options.RootPath), Revision: revision}
	l.subject.Files, err = sources.Tree(ref.URL, revision.Commit)
	return err
}

// heads are the newest revisions of what is followed.
type heads struct {
	sources source.Source
	wanted  map[source.Ref]time.Duration
	known   map[source.Ref]release.Revision
}

// of follows something, and waits for its newest revision.
func (h heads) of(ctx context.Context, ref source.Ref) (release.Revision, error) {
	h.wanted[ref] = time.Hour // once is enough
	h.sources.Follow(h.wanted)
	for h.known[ref].Commit == "" {
		select {
		case <-ctx.Done():
			return release.Revision{}, context.Cause(ctx)
		case head := <-h.sources.Heads():
			if head.Err != nil && head.Ref == ref {
				return release.Revision{}, head.Err
			}
			h.known[head.Ref] = head.Revision
		}
	}
	return h.known[ref], nil
}

// lookedUp is the revision that someone names: a branch, a tag or a commit.
func lookedUp(ctx context.Context, sources source.Looker, url, name string) (release.Revision, error) {
	refs := []source.Ref{{URL: url, Branch: name}, {URL: url, Tag: name}, {URL: url, Commit: name}}
	if gitobject.IsID(name) {
		refs = refs[2:]
	}
	var revision release.Revision
	var err error
	for _, ref := range refs {
		if revision, err = sources.Look(ctx, ref); !errors.Is(err, source.ErrNoRef) {
			break
		}
	}
	return revision, err
}

// pausesOf are the pauses that a daemon left in its history. One that can't be
// read holds nothing.
func pausesOf(ctx context.Context, desk history.Desk) ([]gate.Pause, error) {
	kept, err := desk.Kept(ctx, history.DeskPause)
	var pauses []gate.Pause
	for _, value := range kept {
		var p gate.Pause
		if json.Unmarshal(value, &p) == nil {
			pauses = append(pauses, p)
		}
	}
	return pauses, err
}
