package helmrecord

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/queue"
	"plumb.dev/plumb/internal/release"
)

// Fleet tells of Apps; deliver.Engine does.
type Fleet interface {
	Known(ctx context.Context, id string) (pipeline.Known, error)
}

// Recorder records the releases that it is told of, one after the other, beside
// those who make them. Make one with NewRecorder.
type Recorder struct {
	parts Parts
	jobs  *queue.Pool[string]
}

// Parts are what a Recorder needs.
type Parts struct {
	Keeper Keeper
	Fleet  Fleet
	Open   pipeline.Opener
	Log    *slog.Logger
}

// NewRecorder makes a Recorder. It does nothing before Run.
func NewRecorder(p Parts) *Recorder {
	r := &Recorder{parts: p}
	r.jobs = queue.NewPool(queue.PoolOptions[string]{
		Grace: time.Second, Deliver: func(result func()) { result() },
		Panicked: func(app string, cause any, stack []byte) func() {
			return func() {
				p.Log.Error("recording a release for Helm panicked", "app", app, "panic", fmt.Sprint(cause), "stack", string(stack))
			}
		},
	})
	return r
}

// Run records until ctx is done.
func (r *Recorder) Run(ctx context.Context) { r.jobs.Run(ctx, 1) }

// Released takes in a release that ended. It never blocks.
func (r *Recorder) Released(done release.Release) {
	if done.Outcome != release.Succeeded || done.Corrective() {
		return
	}
	r.jobs.Start(done.App, done.App, func(ctx context.Context) func() {
		err := r.take(ctx, done)
		return func() {
			if err != nil {
				r.parts.Log.Warn("what Helm knows of an App can't be brought up to date; its next release does", "app", done.App, "error", err)
			}
		}
	})
}

// take brings an App's records up to date after a release.
func (r *Recorder) take(ctx context.Context, done release.Release) error {
	label := object.AppLabel(done.App)
	if done.Trigger == release.TriggerRemoval {
		return r.parts.Keeper.Remove(ctx, label)
	}
	k, err := r.parts.Fleet.Known(ctx, done.App)
	if err != nil || k.App.Spec.Render.Helm == nil || k.Failed != nil {
		return nil // it went on meanwhile; what comes of that is told as well
	}
	if !k.App.Spec.Render.Helm.Record {
		return nil
	}
	files, err := k.Files(r.parts.Open, done.Revision.Commit)
	if err != nil {
		return err
	}
	chart, err := chartAt(files, pipeline.Work(k.App, files).Path)
	if err != nil {
		return err
	}
	objects, err := declared(k.Desired)
	if err != nil {
		return err
	}
	return r.parts.Keeper.Write(ctx, k.Actor, Release{
		App: label, Name: k.App.Spec.ReleaseName(), Namespace: k.Actor.Namespace, Chart: chart, Values: k.App.Spec.Render.Helm.Values,
		Objects: objects, Hidden: k.Actor.Redact, Text: fmt.Sprintf("Plumb applied %s (release %d of %s)", done.Revision.Short(), done.ID, done.App), At: done.Finished,
	})
}
