package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"plumb.dev/plumb/internal/declare"
	"plumb.dev/plumb/internal/deliver"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// pump takes what the source tells to the engine: for each head what changed
// since the one before and, of the root's, first what it declares now. So an
// App is rendered at a commit only by the declaration of that commit or a later one.
type pump struct {
	source  source.Source
	engine  *deliver.Engine
	scanner *declare.Scanner
	policy  declare.Policy
	root    source.Ref
	log     *slog.Logger

	told  map[source.Ref]string // the commit told last
	state declare.State

	mu     sync.Mutex
	status status.Root
}

// run takes heads until ctx is done.
func (p *pump) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-p.source.Heads():
			p.take(ctx, h)
		}
	}
}

func (p *pump) take(ctx context.Context, h source.Head) {
	news := deliver.News{Head: h}
	news.Changes, news.Complete = p.changes(h)
	if h.Ref == p.root {
		news.Declared = p.declare(ctx, news)
	}
	if h.Revision.Commit != "" {
		p.told[h.Ref] = h.Revision.Commit
	}
	p.engine.Tell(news)
}

// changes are the paths that differ from the head told before. They are not
// known for the first one, nor when the one before is gone.
func (p *pump) changes(h source.Head) ([]tree.Change, bool) {
	before, commit := p.told[h.Ref], h.Revision.Commit
	switch {
	case before == "" || commit == "":
		return nil, false
	case before == commit:
		return nil, true
	}
	changes, err := p.source.Diff(h.Ref.URL, before, commit)
	if err != nil {
		p.log.Info("what changed is not known, so everything of this repository is rendered", "repository", h.Ref.URL,
			"from", before, "to", commit, "reason", err)
		return nil, false
	}
	return changes, true
}

// declare reads the root at a new head. It returns nil where nothing new is known.
func (p *pump) declare(ctx context.Context, n deliver.News) (declared *deliver.Declared) {
	h := n.Head
	switch {
	case h.Err != nil && h.Revision.Commit == "":
		p.log.Error("the root can't be read; nothing is changed until it can", "root", h.Ref.URL, "error", h.Err)
	case p.told[h.Ref] != h.Revision.Commit:
		var err error
		if declared, err = p.scan(ctx, n); err != nil {
			p.log.Error("the root can't be scanned; the Apps stay as they were", "root", h.Ref.URL, "error", err)
			h.Err = err
		}
	}
	p.tell(h)
	return declared
}

func (p *pump) scan(ctx context.Context, n deliver.News) (*deliver.Declared, error) {
	files, err := p.source.Tree(n.Head.Ref.URL, n.Head.Revision.Commit)
	if err != nil {
		return nil, err
	}
	var scan declare.Scan
	if n.Complete {
		scan, err = p.scanner.Changed(ctx, files, n.Changes)
	} else {
		scan, err = p.scanner.All(ctx, files)
	}
	if err != nil {
		return nil, err
	}
	if scan.Unchanged && p.state.Apps != nil {
		return nil, nil // most commits declare nothing new
	}
	before := p.state.Problems
	p.state = declare.Next(p.state, scan, p.policy)
	for _, problem := range p.state.Problems {
		if !slices.Contains(before, problem) {
			p.log.Warn("a declaration can't be used; the others are followed", "where", problem.Where, "problem", problem.Message)
		}
	}
	apps := make([]deliver.Declaration, 0, len(p.state.Apps))
	for _, id := range slices.Sorted(maps.Keys(p.state.Apps)) {
		d := p.state.Apps[id]
		apps = append(apps, deliver.Declaration{App: d.App, Origin: d.Origin, Held: d.Held})
	}
	return &deliver.Declared{Apps: apps, Settled: p.state.Settled, At: n.Head.Revision}, nil
}

// tell makes the root's status visible.
func (p *pump) tell(h source.Head) {
	root := status.Root{URL: h.Ref.URL, Revision: h.Revision.Commit, Apps: len(p.state.Apps), Problems: slices.Clone(p.state.Problems)}
	if h.Err != nil {
		root.Problems = append(root.Problems, status.Problem{Where: h.Ref.URL, Message: h.Err.Error()})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = root
}

// Root tells how the root stands.
func (p *pump) Root() status.Root {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// check says why the root keeps the daemon from being ready.
func (p *pump) check() error {
	root := p.Root()
	if root.Revision != "" {
		return nil
	}
	var why []string
	for _, problem := range root.Problems {
		why = append(why, problem.Message)
	}
	if len(why) == 0 {
		return fmt.Errorf("the root has not been read yet")
	}
	return fmt.Errorf("the root can't be read: %s", strings.Join(why, "; "))
}
