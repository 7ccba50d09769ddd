package main

import (
	"log/slog"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/worker"
)

// rendering is how the daemon renders: in worker processes, or in its own where
// it was told to have none. What it starts ends with the returned function.
func rendering(o cli.RenderOptions, metrics *daemon.Metrics, log *slog.Logger) (render.Set, func(), error) {
	if o.Workers == 0 {
		return renderers(kustomize.Allowing(o.Remote)), func() {}, nil
	}
	pool, err := worker.New(worker.Options{Workers: max(o.Workers, 0), Memory: o.Memory, Time: o.Time, Log: log, Ended: metrics.WorkerEnded})
	if err != nil {
		return nil, nil, err
	}
	remote := kustomize.Allowing(o.Remote)
	set := pool.WrapAll(renderers(remote))
	set[0] = kustomize.Bounded{Renderer: set[0], Remote: remote} // a worker isn't told what is allowed
	return set, pool.Close, nil
}

// work is the program as a worker, which is told by its arguments.
func work(args []string) (code int, is bool) {
	return worker.Serve(args, func() []render.Renderer { return renderers(anywhere) })
}
