package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// errStopping answers those who ask too late.
var errStopping = errors.New("the daemon is stopping")

// publish makes an App's status visible, once the turn of events is over.
func (e *engine) publish(a *app) {
	s := e.statusOf(a)
	before := e.board.Put(s)
	if before.Sync != s.Sync || before.Health != s.Health || before.Source.Newest != s.Source.Newest {
		e.touchDependents(a)
	}
}

// Changed returns a channel that is closed once how some App stands isn't what
// it was when it was asked for.
func (en *Engine) Changed() <-chan struct{} { return en.e.board.Changed() }

// Apps lists how all Apps stand, sorted by namespace and name.
func (en *Engine) Apps() []status.App { return en.e.board.Apps() }

// moveOn makes it visible that a commit left an App as it was. There may be
// thousands of them, so only what the commit changes is written anew.
func (e *engine) moveOn(a *app) {
	s, ok := e.board.Newest(a.id)
	if !ok {
		e.touch(a)
		return
	}
	recovered := s.Source.Error != ""
	s.Revision, s.Unchanged = a.got.commit, true
	s.Source.Newest, s.Source.Author, s.Source.Subject = a.head.Revision.Commit, a.head.Revision.Author, a.head.Revision.Subject()
	e.board.Put(s)
	if recovered || a.head.Err != nil {
		e.touch(a)
	}
}

// statusOf tells how an App stands.
func (e *engine) statusOf(a *app) status.App {
	waiting := e.waitingNames(a)
	s := status.App{
		Name: a.App.Name, Namespace: a.App.Namespace,
		Revision: a.got.commit, Sync: e.syncOf(a), Health: a.objects.Counts().WorstHealth(),
		Source: status.Source{
			URL: a.ref.URL, Ref: cmp.Or(a.ref.Branch, a.ref.Tag, a.ref.Commit), Path: a.App.Spec.Source.Path,
			Newest: a.head.Revision.Commit, Author: a.head.Revision.Author, Subject: a.head.Revision.Subject(),
			Renderer: a.got.renderer,
		},
		Target:  status.Target{Cluster: e.target.State().Address, Namespace: a.App.Spec.Target.Namespace},
		Objects: len(a.objects.Keys()), ChangedAt: a.got.changedAt, Unchanged: a.got.unchanged,
		LastCheck: a.checked, Failures: a.failures, WaitingFor: waiting, DeclaredAt: a.Origin.String(),
		Behind: !a.want.at(a.got.want), Syncing: a.syncing,
	}
	if a.Open != nil && a.next.Busy() && a.objects.Counts().Works() {
		s.Health = status.Progressing // its hooks are a part of the release
	}
	s.Alerts, s.DriftSince = a.objects.Alerted()
	if !a.got.ok {
		s.Health, s.Revision = status.HealthUnset, ""
	}
	s.Source.With, s.Source.Beside = a.got.held.With, a.beside.Told()
	if err := a.sourceErr(); err != nil {
		s.Source.Error = err.Error()
	}
	if a.retryAt.After(e.Now()) {
		s.RetryAt = a.retryAt
	}
	e.addGate(a, &s)
	s.Notices = a.notices[:min(len(a.notices), mostNotices)]
	s.Message = e.message(a, waiting)
	return s
}

// addGate tells what stands between an App's changes and the target.
func (e *engine) addGate(a *app, s *status.App) {
	s.Mode = cmp.Or(string(a.App.Spec.Sync.Mode), string(v1alpha1.SyncAuto))
	s.Source.Checked = a.head.Checked
	s.Pauses = e.pauses.About(a.id)
	if a.held() {
		s.Hold = a.verdict.Hold
	}
	if p := a.proposal.Plan; p != nil {
		s.Plan = &status.PendingPlan{
			Hash: p.Hash, Revision: p.Revision, Author: p.Author, Subject: p.Subject, Summary: p.Summary(), MadeAt: p.MadeAt,
			Stale: a.proposal.Grants == nil && !a.proposal.Current(a.objects.Situation()),
		}
	}
	if o := a.opening; len(a.App.Spec.Sync.Windows) > 0 {
		s.Window = &status.Window{Open: o.Open, Reason: o.Reason, Next: o.Next}
	}
}

// held says whether the gate keeps something back that is known to be there.
// What waits for approval is held once its plan is there.
func (a *app) held() bool {
	if a.verdict.Hold == nil || !a.settled() {
		return false
	}
	waits := a.intended() > 0 || a.hooksDue()
	switch a.verdict.Hold.Reason {
	case gate.HeldByPause, gate.HeldByFailure:
		return true
	case gate.HeldByApproval:
		return waits && a.proposal.Current(a.objects.Situation())
	default:
		return waits || !a.verdict.Corrections && a.objects.Counts().Told > 0
	}
}

// planning says whether the plan of what is held back is being made.
func (a *app) planning() bool {
	return a.verdict.Hold != nil && a.verdict.Hold.Reason == gate.HeldByApproval && a.settled() && (a.intended() > 0 || a.hooksDue()) && !a.held()
}

// paused says whether the App as a whole is paused.
func (a *app) paused() bool {
	return a.verdict.Hold != nil && a.verdict.Hold.Reason == gate.HeldByPause
}

func (e *engine) waitingNames(a *app) []string {
	if n := a.objects.Counts(); len(a.App.Spec.DependsOn) == 0 || n.Changes+n.Failing == 0 {
		return nil
	}
	return e.waitingFor(a)
}

// syncOf says whether what is live is what the newest revision declares.
func (e *engine) syncOf(a *app) status.Sync {
	n, left := a.objects.Counts(), a.objects.Left()
	switch {
	case a.removed:
		return status.OutOfSync
	case !a.got.ok || !a.known || a.got.err != nil || a.Held != nil:
		return status.Unknown
	case n.Unsure > 0 && n.Changes+n.Drifted+n.Told+n.Failing+n.Paused == 0:
		return status.Unknown
	case a.stale() || n.OutOfLine() || left.Any() || a.hooksDue():
		return status.OutOfSync
	default:
		return status.Synced
	}
}

// message says in one line what is going on or wrong, the gravest first.
func (e *engine) message(a *app, waiting []string) string {
	switch {
	case a.Held != nil:
		return a.Held.Error()
	case a.removed && a.held():
		return "is no longer declared; " + a.verdict.Hold.Message
	case a.removed:
		return "is no longer declared; its objects are being deleted"
	case a.sourceErr() != nil:
		return a.sourceErr().Error()
	case errors.Is(a.got.err, target.ErrUnreachable):
		return cmp.Or(e.target.State().Err, a.got.err).Error()
	case len(a.unresolved) > 0 && a.got.err != nil:
		return a.got.err.Error()
	case a.got.err != nil:
		return fmt.Sprintf("revision %.8s can't be rendered: %v", a.got.commit, a.got.err)
	case lacksSources(a.got.err):
		return "waiting for " + a.got.err.Error()
	case a.want.commit != "" && a.beside.Lacking() != "":
		return "waiting for " + a.beside.Heads[a.beside.Lacking()].Ref.Name()
	case a.want.commit == "":
		return "waiting for the repository"
	case errors.Is(a.viewErr, target.ErrUnreachable):
		return cmp.Or(e.target.State().Err, a.viewErr).Error()
	case a.viewErr != nil:
		return a.viewErr.Error()
	case a.crash != nil:
		return a.crash.Error()
	case e.standby != "":
		return e.standby
	case !a.got.ok || !a.known:
		return "reading what is live"
	case len(waiting) > 0:
		return e.needs.Message(a.id, waiting, func(id string) bool { return e.apps[id] != nil })
	}
	return e.messageOfWork(a)
}

// messageOfWork says what is going on with an App's objects and hooks.
func (e *engine) messageOfWork(a *app) string {
	text := a.objects.Message(e.Now(), a.verdict.Corrections)
	if hook := a.next.Text(a.Open, a.intended()); hook != "" && a.objects.Counts().Failing == 0 {
		text = hook
	}
	if a.planning() && a.objects.Counts().Failing == 0 {
		return "its plan is being made"
	}
	if a.held() && text != "" {
		return a.verdict.Hold.Message + "; " + text
	} else if a.held() {
		return a.verdict.Hold.Message
	}
	return text
}

// Detail tells how one App and each of its objects stand.
func (en *Engine) Detail(ctx context.Context, id string) (status.Detail, error) {
	return ask(ctx, en.e, func(e *engine) (status.Detail, error) {
		a, err := e.declared(id)
		if err != nil {
			return status.Detail{}, err
		}
		return status.Detail{App: e.statusOf(a), Tree: a.treeOf()}, nil
	})
}

// treeOf lists an App's objects: the declared ones, what could not be fitted to
// the target, and what is left over.
func (a *app) treeOf() []status.Object {
	list := append(a.objects.Tree(), status.HooksOf(a.Open)...)
	for _, f := range a.unresolved {
		list = append(list, status.Object{Key: f.Key, Sync: status.Unknown, Health: status.HealthUnset, Message: f.Err.Error(), Origin: f.Origin.String()})
	}
	return append(list, a.objects.TreeOfLeft()...)
}

// Render renders an App at the commit that it is held against, and returns its
// objects as they would be applied.
func (en *Engine) Render(ctx context.Context, id string) ([]object.Object, error) {
	what, err := ask(ctx, en.e, func(e *engine) (subject, error) {
		a, err := e.declared(id)
		if err != nil {
			return subject{}, err
		}
		return a.subject(), nil
	})
	if err != nil {
		return nil, err
	}
	files, err := en.e.files(what)
	if err != nil {
		return nil, err
	}
	r := en.e.render(ctx, what, files)
	if r.Err != nil {
		return nil, r.Err
	}
	return r.Objects()
}

// Records is where what happens is written down and told.
func (en *Engine) Records() *history.Recorder { return en.e.records }

// Waiting is how many Apps wait for a worker.
func (en *Engine) Waiting() int { return en.e.workers.Len() }

// Reach says why the target can't be worked with, or nil.
func (en *Engine) Reach() error {
	en.e.mu.RLock()
	defer en.e.mu.RUnlock()
	return en.e.reach
}
